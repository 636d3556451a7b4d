module reglet.test/echo

go 1.25.7

// Made with the sources of both beside it: go mod edit -replace github.com/reglet-dev/reglet-plugin-sdk=FOLDER (reglet-abi too), go mod tidy,
// GOOS=wasip1 GOARCH=wasm go build -buildmode=c-shared -ldflags='-s -w' -o echo.wasm .
require (
	github.com/reglet-dev/reglet-abi v0.1.1
	github.com/reglet-dev/reglet-plugin-sdk v0.0.0
)
