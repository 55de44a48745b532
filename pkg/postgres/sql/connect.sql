\connect -reuse-previous=on :"conn"
