-- Before 16 the server does not tell how it let us in. Then a wrong password is tried, last, since it ends psql where the server asks for it.
\if :tells_method
\quit
\endif
