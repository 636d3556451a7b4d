// Package main is the peer of bench/echo_plugin.py, made with the Go SDK: the same operation, its input and its answer.
package main

import (
	"context"
	"fmt"

	"github.com/reglet-dev/reglet-plugin-sdk/application/plugin"
	"github.com/reglet-dev/reglet-plugin-sdk/domain/entities"
)

var Plugin = plugin.DefinePlugin(plugin.PluginDef{
	Name: "echo", Version: "1.0.0", Description: "Answers with what it was given",
	Config: &EchoInput{}, Capabilities: entities.GrantSet{},
})

type EchoInput struct {
	URL            string            `json:"url" jsonschema:"required,description=URL,minLength=1"`
	ExpectedStatus int               `json:"expected_status,omitempty" jsonschema:"default=200,minimum=100,maximum=599"`
	Headers        map[string]string `json:"headers,omitempty"`
	Body           string            `json:"body,omitempty"`
}
type EchoOutput struct {
	URL     string            `json:"url"`
	Status  int               `json:"status"`
	Headers map[string]string `json:"headers"`
	Size    int               `json:"size"`
}
type EchoService struct {
	plugin.Service `name:"echo" desc:"Echo"`
	Echo           plugin.Op[EchoInput, EchoOutput] `desc:"Answer with what was given" method:"EchoHandler"`
}

func (s *EchoService) EchoHandler(ctx context.Context, in *EchoInput) (*EchoOutput, error) {
	return &EchoOutput{in.URL, in.ExpectedStatus, in.Headers, len(in.Body)}, nil
}

func init() {
	plugin.RegisterOp[EchoInput, EchoOutput]("Echo")
	plugin.MustRegisterService(Plugin, &EchoService{})
}

type echo struct{}

func (echo) Manifest(ctx context.Context) (*entities.Manifest, error) { return Plugin.Manifest(), nil }
func (echo) Check(ctx context.Context, config []byte) (*entities.Result, error) {
	handler, ok := Plugin.GetHandler("echo", "echo")
	if !ok {
		return nil, fmt.Errorf("unknown operation")
	}
	return handler(ctx, &plugin.Request{Raw: config})
}

func init() { plugin.Register(echo{}) }
func main() {}
