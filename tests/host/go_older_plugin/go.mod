module example.com/goolderplugin

go 1.24
