// A plugin in Go for the older Reglet app: it describes itself with describe and schema, and observe answers
// with evidence. It reads a file and asks the host for a page.
package main

import (
	"encoding/json"
	"os"
	"time"
	"unsafe"
)

//go:wasmimport reglet_host http_request
func httpRequest(request uint64) uint64

type fault struct {
	Message string `json:"message"`
	Type    string `json:"type"`
	Code    string `json:"code"`
}

type evidence struct {
	Status    bool
	Error     *fault
	Timestamp time.Time
	Data      map[string]any
	Raw       *string
}

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

//go:wasmexport describe
func describe() uint64 {
	capability := func(kind string, pattern string) map[string]string {
		return map[string]string{"kind": kind, "pattern": pattern}
	}
	return give(map[string]any{
		"name": "go-older", "version": "1.2.0", "description": "Looks at a file and a page",
		"sdk_version": "0.1.0-alpha", "min_host_version": "0.2.0",
		"capabilities": []any{
			capability("network", "outbound:80,443"), capability("fs", "read:/etc/**"), capability("env", "REGION"),
		},
	})
}

//go:wasmexport schema
func schema() uint64 {
	text := map[string]string{"type": "string"}
	return give(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object", "additionalProperties": false,
		"properties": map[string]any{"path": text, "url": text, "wanted": text}, "required": []string{"path"},
	})
}

//go:wasmexport observe
func observe(pointer uint32, size uint32) uint64 {
	var config struct{ Path, URL, Wanted string }
	if err := json.Unmarshal(take(pointer, size), &config); err != nil {
		return give(evidence{Timestamp: time.Now(), Error: &fault{"failed to parse config: " + err.Error(), "config", ""}})
	}
	content, err := os.ReadFile(config.Path)
	if err != nil {
		return give(evidence{Timestamp: time.Now(), Error: &fault{err.Error(), "fs", "read"}})
	}
	data := map[string]any{"size": len(content), "region": os.Getenv("REGION")}
	if config.URL != "" {
		answer := httpRequest(give(map[string]any{"method": "GET", "url": config.URL, "context": map[string]any{}}))
		var response struct {
			StatusCode int `json:"status_code"`
			Error      *fault
		}
		if err := json.Unmarshal(take(uint32(answer>>32), uint32(answer)), &response); err != nil {
			response.Error = &fault{err.Error(), "internal", "answer"}
		}
		if response.Error != nil {
			return give(evidence{Timestamp: time.Now(), Data: data, Error: response.Error})
		}
		data["status_code"] = response.StatusCode
	}
	raw := string(content)
	return give(evidence{Status: config.Wanted == "" || config.Wanted == raw, Timestamp: time.Now(), Data: data, Raw: &raw})
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
