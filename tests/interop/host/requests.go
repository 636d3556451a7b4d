package main

import (
	"encoding/json"
	"fmt"
)

// A request decoded as Go hosts decode it. The two dialects give some fields other types: what is of the
// wrong one does not unmarshal, and the host answers with an error before it does anything.
type dialect string

const (
	dialectABI     dialect = "abi"
	dialectHostlib dialect = "hostlib"
)

type abiContext struct {
	Deadline  *string `json:"deadline"`
	RequestID string  `json:"request_id"`
	TimeoutMS int64   `json:"timeout_ms"`
	Canceled  bool    `json:"canceled"`
}

type abiHTTP struct {
	Context abiContext          `json:"context"`
	Headers map[string][]string `json:"headers"`
	Method  string              `json:"method"`
	URL     string              `json:"url"`
	Body    []byte              `json:"body"`
}

type abiDNS struct {
	Context    abiContext `json:"context"`
	Hostname   string     `json:"hostname"`
	Type       string     `json:"type"`
	Nameserver string     `json:"nameserver"`
}

type abiConnection struct {
	Context   abiContext `json:"context"`
	Host      string     `json:"host"`
	Port      string     `json:"port"`
	TimeoutMS int        `json:"timeout_ms"`
	TLS       bool       `json:"tls"`
	StartTLS  bool       `json:"starttls"`
}

type abiExec struct {
	Context abiContext `json:"context"`
	Command string     `json:"command"`
	Args    []string   `json:"args"`
	Env     []string   `json:"env"`
	Dir     string     `json:"dir"`
}

type hostlibHTTP struct {
	URL             string            `json:"url"`
	Method          string            `json:"method"`
	Headers         map[string]string `json:"headers"`
	Body            string            `json:"body"`
	TimeoutMS       int               `json:"timeout_ms"`
	FollowRedirects *bool             `json:"follow_redirects"`
	MaxRedirects    *int              `json:"max_redirects"`
}

type hostlibDNS struct {
	Hostname   string `json:"hostname"`
	Type       string `json:"type"`
	Nameserver string `json:"nameserver"`
	TimeoutMS  int    `json:"timeout_ms"`
}

type hostlibConnection struct {
	Host        string `json:"host"`
	Port        int    `json:"port"`
	TimeoutMS   int    `json:"timeout_ms"`
	UseTLS      bool   `json:"use_tls"`
	UseStartTLS bool   `json:"use_starttls"`
}

type hostlibExec struct {
	Command   string   `json:"command"`
	Args      []string `json:"args"`
	Env       []string `json:"env"`
	Dir       string   `json:"dir"`
	TimeoutMS int      `json:"timeout_ms"`
}

var records = map[dialect]map[string]func() any{
	dialectABI: {
		"http_request": func() any { return new(abiHTTP) },
		"dns_lookup":   func() any { return new(abiDNS) },
		"tcp_connect":  func() any { return new(abiConnection) },
		"smtp_connect": func() any { return new(abiConnection) },
		"exec_command": func() any { return new(abiExec) },
	},
	dialectHostlib: {
		"http_request": func() any { return new(hostlibHTTP) },
		"dns_lookup":   func() any { return new(hostlibDNS) },
		"tcp_connect":  func() any { return new(hostlibConnection) },
		"smtp_connect": func() any { return new(hostlibConnection) },
		"exec_command": func() any { return new(hostlibExec) },
	},
}

// refusal decodes a request and returns what a host answers when it cannot, nil when it can.
func (d dialect) refusal(name string, request []byte) json.RawMessage {
	err := json.Unmarshal(request, records[d][name]())
	if err == nil {
		return nil
	}
	answer, err := json.Marshal(map[string]any{
		"error":   "VALIDATION_ERROR",
		"message": fmt.Sprintf("failed to unmarshal request: %v", err),
		"code":    400,
	})
	if err != nil {
		panic(err)
	}
	return answer
}
