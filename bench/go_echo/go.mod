module reglet.test/echo

go 1.24.0
