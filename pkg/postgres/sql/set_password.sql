ALTER ROLE :"role" LOGIN PASSWORD :'verifier';
\unset verifier
