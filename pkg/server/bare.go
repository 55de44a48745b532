package server

// bare is a server without known labels, such as a StatefulSet that somebody wrote by hand.
func bare() product { return product{} }
