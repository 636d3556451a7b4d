// Command host runs a Reglet plugin on wazero, as the Reglet app does: a fresh instance for every check.
//
// It reads one check a line from standard input and writes lines to standard output, all JSON: a host call,
// which is answered by the next line of input, and in the end the check's result or its error.
package main

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// memoryLimitPages is the Reglet app's limit: 256 MB.
const memoryLimitPages = 4096

// longestLine bounds a line of input: an answer of 10 MB in base64, and its JSON.
const longestLine = 32 << 20

var hostFunctions = []string{"http_request", "dns_lookup", "tcp_connect", "smtp_connect", "exec_command"}

type check struct {
	Config      []byte            `json:"config"`
	Directories []string          `json:"directories"`
	Environment map[string]string `json:"environment"`
	Now         *int64            `json:"now"`
}

type answer struct {
	Answer []byte `json:"answer"`
}

type line struct {
	Call    string `json:"call,omitempty"`
	Request []byte `json:"request,omitempty"`
	Result  []byte `json:"result,omitempty"`
	Error   string `json:"error,omitempty"`
}

// conversation is the two streams.
type conversation struct {
	in  *bufio.Scanner
	out *json.Encoder
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: host PLUGIN CACHE")
		os.Exit(2)
	}
	if err := serve(context.Background(), os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve(ctx context.Context, file, folder string) error {
	wasm, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	cache, err := wazero.NewCompilationCacheWithDir(folder)
	if err != nil {
		return err
	}
	config := wazero.NewRuntimeConfigCompiler().WithMemoryLimitPages(memoryLimitPages).WithCompilationCache(cache)
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	defer runtime.Close(ctx)
	if _, err := wasi_snapshot_preview1.Instantiate(ctx, runtime); err != nil {
		return err
	}
	talk := &conversation{in: bufio.NewScanner(os.Stdin), out: json.NewEncoder(os.Stdout)}
	talk.in.Buffer(nil, longestLine)
	if err := register(ctx, runtime, talk); err != nil {
		return err
	}
	compiled, err := runtime.CompileModule(ctx, wasm)
	if err != nil {
		return err
	}
	return talk.answerChecks(ctx, runtime, compiled)
}

func (talk *conversation) answerChecks(ctx context.Context, runtime wazero.Runtime, compiled wazero.CompiledModule) error {
	for talk.in.Scan() {
		var c check
		if err := json.Unmarshal(talk.in.Bytes(), &c); err != nil {
			return err
		}
		last := line{}
		result, err := run(ctx, runtime, compiled, c)
		if err != nil {
			last.Error = err.Error()
		}
		last.Result = result
		if err := talk.out.Encode(last); err != nil {
			return err
		}
	}
	return talk.in.Err()
}

func run(ctx context.Context, runtime wazero.Runtime, compiled wazero.CompiledModule, c check) ([]byte, error) {
	config := wazero.NewModuleConfig().WithName("").WithSysWalltime().WithSysNanotime().WithSysNanosleep().
		WithRandSource(rand.Reader).WithStderr(os.Stderr)
	if c.Now != nil {
		config = config.WithWalltime(func() (int64, int32) { return *c.Now, 0 }, sys.ClockResolution(1))
	}
	for name, value := range c.Environment {
		config = config.WithEnv(name, value)
	}
	files := wazero.NewFSConfig()
	for _, directory := range c.Directories {
		files = files.WithReadOnlyDirMount(directory, directory)
	}
	m, err := runtime.InstantiateModule(ctx, compiled, config.WithFSConfig(files))
	if err != nil {
		return nil, err
	}
	defer m.Close(ctx)
	given, err := write(ctx, m, c.Config)
	if err != nil {
		return nil, err
	}
	packed, err := m.ExportedFunction("_observe").Call(ctx, given>>32, given&0xffffffff)
	if err != nil {
		return nil, err
	}
	return read(m, packed[0])
}

func register(ctx context.Context, runtime wazero.Runtime, talk *conversation) error {
	builder := runtime.NewHostModuleBuilder("reglet_host")
	for _, name := range hostFunctions {
		builder.NewFunctionBuilder().WithFunc(func(ctx context.Context, m api.Module, packed uint64) uint64 {
			content := talk.ask(m, name, packed)
			if len(content) == 0 {
				return 0
			}
			given, err := write(ctx, m, content)
			if err != nil {
				panic(err)
			}
			return given
		}).Export(name)
	}
	builder.NewFunctionBuilder().WithFunc(func(_ context.Context, m api.Module, packed uint64) {
		talk.ask(m, "log_message", packed)
	}).Export("log_message")
	_, err := builder.Instantiate(ctx)
	return err
}

// ask passes a host call on and waits for its answer. A panic ends the check with an error, as in the app.
func (talk *conversation) ask(m api.Module, name string, packed uint64) []byte {
	request, err := read(m, packed)
	if err != nil {
		panic(err)
	}
	if err := talk.out.Encode(line{Call: name, Request: request}); err != nil {
		panic(err)
	}
	if !talk.in.Scan() {
		panic(fmt.Sprintf("no answer to %s: %v", name, talk.in.Err()))
	}
	var a answer
	if err := json.Unmarshal(talk.in.Bytes(), &a); err != nil {
		panic(err)
	}
	return a.Answer
}

func write(ctx context.Context, m api.Module, content []byte) (uint64, error) {
	address, err := m.ExportedFunction("allocate").Call(ctx, uint64(len(content)))
	if err != nil {
		return 0, err
	}
	if !m.Memory().Write(uint32(address[0]), content) {
		return 0, fmt.Errorf("the guest gave no room for %d bytes", len(content))
	}
	return address[0]<<32 | uint64(len(content)), nil
}

func read(m api.Module, packed uint64) ([]byte, error) {
	content, ok := m.Memory().Read(uint32(packed>>32), uint32(packed))
	if !ok {
		return nil, fmt.Errorf("the guest answered with memory that it does not have: %x", packed)
	}
	return append([]byte(nil), content...), nil
}
