// The peer of bench/echo_plugin.py: the same checks and the same answer, in Go, over the ABI by hand.
package main

import (
	"encoding/json"
	"time"
	"unsafe"
)

type input struct {
	URL            string            `json:"url"`
	ExpectedStatus int               `json:"expected_status"`
	Headers        map[string]string `json:"headers"`
	Body           string            `json:"body"`
}

type output struct {
	URL     string            `json:"url"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Size    int               `json:"size"`
}

type metadata struct {
	StartTime  time.Time     `json:"start_time"`
	EndTime    time.Time     `json:"end_time"`
	SDKVersion string        `json:"sdk_version,omitempty"`
	PluginID   string        `json:"plugin_id,omitempty"`
	Duration   time.Duration `json:"duration_ns"`
}

type result struct {
	Timestamp time.Time      `json:"timestamp"`
	Data      map[string]any `json:"data,omitempty"`
	Metadata  *metadata      `json:"metadata,omitempty"`
	Error     any            `json:"error,omitempty"`
	Status    string         `json:"status"`
	Message   string         `json:"message,omitempty"`
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
func deallocate(pointer uint32, _ uint32) { delete(kept, pointer) }

//go:wasmexport _manifest
func manifest() uint64 { return give(map[string]any{"name": "echo", "version": "1.0.0"}) }

//go:wasmexport _observe
func observe(pointer uint32, size uint32) uint64 {
	start := time.Now()
	for answer := range answers {
		delete(kept, answer)
	}
	clear(answers)
	config := kept[pointer][:size]
	given := input{ExpectedStatus: 200}
	if err := json.Unmarshal(config, &given); err != nil {
		return give(result{Timestamp: start, Status: "error", Error: err.Error()})
	}
	if given.URL == "" || given.ExpectedStatus < 100 || given.ExpectedStatus > 599 {
		return give(result{Timestamp: start, Status: "error", Error: "the config does not fit"})
	}
	data, err := dataOf(output{given.URL, given.ExpectedStatus, given.Headers, len(given.Body)})
	if err != nil {
		return give(result{Timestamp: start, Status: "error", Error: err.Error()})
	}
	delete(kept, pointer)
	end := time.Now()
	run := &metadata{start, end, "0.1.0", "echo", end.Sub(start)}
	return give(result{Timestamp: end, Data: data, Metadata: run, Status: "success", Message: "ok"})
}

// dataOf is how the Go SDK makes data of an output: through JSON.
func dataOf(value output) (map[string]any, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	var data map[string]any
	err = json.Unmarshal(text, &data)
	return data, err
}

// answers holds what the host has still to read; the next call frees it.
var answers = map[uint32]struct{}{}

func give(value any) uint64 {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	pointer := allocate(uint32(len(text)))
	copy(kept[pointer], text)
	answers[pointer] = struct{}{}
	return uint64(pointer)<<32 | uint64(len(text))
}

func main() {}
