// Command host loads a Reglet plugin as the Go hosts do, with wazero, and prints what it answered as JSON.
//
// Host functions answer what the file given by -answers says, by name; each request is reported.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"sort"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
)

// memoryLimitPages is the Reglet app's limit: 256 MB.
const memoryLimitPages = 4096

var hostFunctions = []string{"http_request", "dns_lookup", "tcp_connect", "smtp_connect", "exec_command"}

type options struct {
	file, call, config, answers, cache, directory, dialect string
	count, warm                                            int
	interpreter, defaultClock                              bool
	environment                                            map[string]string
}

type hostCall struct {
	Name    string          `json:"name"`
	Request json.RawMessage `json:"request"`
}

type report struct {
	Imports    []string          `json:"imports"`
	Exports    []string          `json:"exports"`
	Manifest   json.RawMessage   `json:"manifest"`
	Answers    []json.RawMessage `json:"answers"`
	Calls      []hostCall        `json:"calls"`
	CompileMS  float64           `json:"compile_ms"`
	FreshMS    []float64         `json:"fresh_ms"`
	WarmMS     []float64         `json:"warm_ms"`
	FirstPages uint32            `json:"first_pages"`
	LastPages  uint32            `json:"last_pages"`
	Output     string            `json:"output"`
}

func main() {
	var o options
	variable := flag.String("env", "", "one variable of the guest, NAME=value")
	flag.StringVar(&o.call, "call", "_observe", "the export to call: _observe or observe; describe or schema take no config")
	flag.StringVar(&o.config, "config", "{}", "the config, in JSON")
	flag.StringVar(&o.answers, "answers", "", "a JSON file: what each host function answers, by name")
	flag.StringVar(&o.cache, "cache", "", "a folder for compiled code")
	flag.StringVar(&o.directory, "directory", "", "a folder that the guest sees under /data")
	flag.StringVar(&o.dialect, "dialect", string(dialectABI), "how requests are decoded: abi or hostlib")
	flag.IntVar(&o.count, "count", 1, "fresh instances, each called once")
	flag.IntVar(&o.warm, "warm", 0, "further calls of the last instance")
	flag.BoolVar(&o.interpreter, "interpreter", false, "interpret instead of compiling")
	flag.BoolVar(&o.defaultClock, "default-clock", false, "leave clocks and random source as wazero has them: fake")
	flag.Parse()
	o.file = flag.Arg(0)
	if *variable != "" {
		for i, c := range *variable {
			if c == '=' {
				o.environment = map[string]string{(*variable)[:i]: (*variable)[i+1:]}
				break
			}
		}
	}
	r, err := run(context.Background(), o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	if err := json.NewEncoder(os.Stdout).Encode(r); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (*report, error) {
	wasm, err := os.ReadFile(o.file)
	if err != nil {
		return nil, err
	}
	runtime, err := newRuntime(ctx, o)
	if err != nil {
		return nil, err
	}
	defer runtime.Close(ctx)
	r := &report{Answers: []json.RawMessage{}, Calls: []hostCall{}}
	if err := registerHostFunctions(ctx, runtime, o, r); err != nil {
		return nil, err
	}
	start := time.Now()
	compiled, err := runtime.CompileModule(ctx, wasm)
	if err != nil {
		return nil, err
	}
	r.CompileMS = milliseconds(start)
	describe(compiled, r)
	for i := 0; i < o.count; i++ {
		if err := runFresh(ctx, runtime, compiled, o, r, i == o.count-1); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func newRuntime(ctx context.Context, o options) (wazero.Runtime, error) {
	config := wazero.NewRuntimeConfigCompiler()
	if o.interpreter {
		config = wazero.NewRuntimeConfigInterpreter()
	}
	config = config.WithMemoryLimitPages(memoryLimitPages)
	if o.cache != "" {
		cache, err := wazero.NewCompilationCacheWithDir(o.cache)
		if err != nil {
			return nil, err
		}
		config = config.WithCompilationCache(cache)
	}
	runtime := wazero.NewRuntimeWithConfig(ctx, config)
	_, err := wasi_snapshot_preview1.Instantiate(ctx, runtime)
	return runtime, err
}

func registerHostFunctions(ctx context.Context, runtime wazero.Runtime, o options, r *report) error {
	answers := map[string]json.RawMessage{}
	if o.answers != "" {
		content, err := os.ReadFile(o.answers)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(content, &answers); err != nil {
			return err
		}
	}
	builder := runtime.NewHostModuleBuilder("reglet_host")
	for _, name := range hostFunctions {
		builder.NewFunctionBuilder().WithFunc(func(ctx context.Context, m api.Module, packed uint64) uint64 {
			request := read(m, packed)
			r.Calls = append(r.Calls, hostCall{name, request})
			if refused := dialect(o.dialect).refusal(name, request); refused != nil {
				return write(ctx, m, refused)
			}
			answer, ok := answers[name]
			if !ok {
				return 0
			}
			return write(ctx, m, answer)
		}).Export(name)
	}
	builder.NewFunctionBuilder().WithFunc(func(_ context.Context, m api.Module, packed uint64) {
		r.Calls = append(r.Calls, hostCall{"log_message", read(m, packed)})
	}).Export("log_message")
	_, err := builder.Instantiate(ctx)
	return err
}

func describe(compiled wazero.CompiledModule, r *report) {
	for _, each := range compiled.ImportedFunctions() {
		module, name, _ := each.Import()
		r.Imports = append(r.Imports, module+"."+name)
	}
	for name := range compiled.ExportedFunctions() {
		r.Exports = append(r.Exports, name)
	}
	sort.Strings(r.Imports)
	sort.Strings(r.Exports)
}

// runFresh makes an instance, calls it as the Reglet app does and, for the last one, calls it again.
func runFresh(ctx context.Context, runtime wazero.Runtime, compiled wazero.CompiledModule, o options, r *report, last bool) error {
	output := &writer{r}
	config := wazero.NewModuleConfig().WithName("").WithStartFunctions("_initialize").WithStdout(output).WithStderr(output)
	if !o.defaultClock {
		config = config.WithSysWalltime().WithSysNanotime().WithSysNanosleep().WithRandSource(random{})
	}
	for name, value := range o.environment {
		config = config.WithEnv(name, value)
	}
	if o.directory != "" {
		config = config.WithFSConfig(wazero.NewFSConfig().WithReadOnlyDirMount(o.directory, "/data"))
	}
	start := time.Now()
	m, err := runtime.InstantiateModule(ctx, compiled, config)
	if err != nil {
		return err
	}
	defer m.Close(ctx)
	r.FirstPages = m.Memory().Size() / 65536
	answer, err := call(ctx, m, o)
	if err != nil {
		return err
	}
	r.FreshMS = append(r.FreshMS, milliseconds(start))
	r.Answers = append(r.Answers, answer)
	if last {
		if err := callAgain(ctx, m, o, r); err != nil {
			return err
		}
	}
	r.LastPages = m.Memory().Size() / 65536
	return nil
}

func callAgain(ctx context.Context, m api.Module, o options, r *report) error {
	packed, err := m.ExportedFunction("_manifest").Call(ctx)
	if err != nil {
		return err
	}
	r.Manifest = read(m, packed[0])
	for i := 0; i < o.warm; i++ {
		start := time.Now()
		if _, err := call(ctx, m, o); err != nil {
			return err
		}
		r.WarmMS = append(r.WarmMS, milliseconds(start))
	}
	return nil
}

func call(ctx context.Context, m api.Module, o options) (json.RawMessage, error) {
	export := m.ExportedFunction(o.call)
	if export == nil {
		return nil, fmt.Errorf("%s is not exported", o.call)
	}
	var arguments []uint64
	if len(export.Definition().ParamTypes()) == 2 {
		packed := write(ctx, m, []byte(o.config))
		arguments = []uint64{packed >> 32, packed & 0xffffffff}
	}
	packed, err := export.Call(ctx, arguments...)
	if err != nil {
		return nil, err
	}
	return read(m, packed[0]), nil
}

// write puts bytes where the guest allocates room for them; address 0 means that it has none.
func write(ctx context.Context, m api.Module, content []byte) uint64 {
	address, err := m.ExportedFunction("allocate").Call(ctx, uint64(len(content)))
	if err != nil || !m.Memory().Write(uint32(address[0]), content) {
		panic(fmt.Sprint("the guest gave no room: ", err))
	}
	return address[0]<<32 | uint64(len(content))
}

func read(m api.Module, packed uint64) json.RawMessage {
	content, ok := m.Memory().Read(uint32(packed>>32), uint32(packed))
	if !ok {
		panic(fmt.Sprintf("the guest answered with memory that it does not have: %x", packed))
	}
	return append(json.RawMessage(nil), content...)
}

func milliseconds(start time.Time) float64 { return float64(time.Since(start).Microseconds()) / 1000 }

type writer struct{ report *report }

func (w *writer) Write(content []byte) (int, error) {
	w.report.Output += string(content)
	return len(content), nil
}

type random struct{}

func (random) Read(content []byte) (int, error) {
	file, err := os.Open("/dev/urandom")
	if err != nil {
		return 0, err
	}
	defer file.Close()
	return file.Read(content)
}
