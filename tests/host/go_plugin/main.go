// A plugin in Go that speaks the ABI by itself, as the Go SDK's do: it reads a file, its environment and
// the clock, and asks the host for a TCP connection.
package main

import (
	"encoding/json"
	"os"
	"time"
	"unsafe"
)

//go:wasmimport reglet_host tcp_connect
func tcpConnect(request uint64) uint64

//go:wasmimport reglet_host log_message
func logMessage(request uint64)

var kept = map[uint32][]byte{}

//go:wasmexport allocate
func allocate(size uint32) uint32 {
	if size == 0 {
		return 0
	}
	buffer := make([]byte, size)
	pointer := uint32(uintptr(unsafe.Pointer(&buffer[0])))
	kept[pointer] = buffer
	return pointer
}

//go:wasmexport deallocate
func deallocate(pointer uint32, _ uint32) {
	delete(kept, pointer)
}

//go:wasmexport _manifest
func manifest() uint64 {
	return give(map[string]any{"name": "go-made", "version": "1.0.0", "capabilities": map[string]any{}})
}

//go:wasmexport _observe
func observe(pointer uint32, size uint32) uint64 {
	var config map[string]string
	if err := json.Unmarshal(take(pointer, size), &config); err != nil {
		return give(map[string]any{"status": "error", "timestamp": time.Now(), "error": map[string]any{
			"type": "config", "code": "", "message": err.Error()}})
	}
	logMessage(give(map[string]any{"level": "INFO", "message": "checking", "context": map[string]any{}}))
	content, err := os.ReadFile(config["path"])
	refusal := ""
	if err != nil {
		refusal = err.Error()
	}
	answer := tcpConnect(give(map[string]any{"host": config["host"], "port": "22", "tls": false, "context": map[string]any{}}))
	var connection map[string]any
	_ = json.Unmarshal(take(uint32(answer>>32), uint32(answer)), &connection)
	return give(map[string]any{"status": "success", "timestamp": time.Now(), "message": "looked", "data": map[string]any{
		"content": string(content), "refusal": refusal, "region": os.Getenv("REGION"), "home": os.Getenv("HOME"),
		"connection": connection, "year": time.Now().Year()}})
}

func give(value any) uint64 {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	pointer := allocate(uint32(len(text)))
	copy(kept[pointer], text)
	return uint64(pointer)<<32 | uint64(len(text))
}

func take(pointer uint32, size uint32) []byte {
	if size == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(uintptr(pointer))), size)
}

func main() {}
