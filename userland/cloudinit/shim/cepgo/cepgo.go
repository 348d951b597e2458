// Package cepgo stands in for CloudSigma's client, whose module is gone: a lab's machine has no such server.
package cepgo

import "errors"

var errNone = errors.New("cepgo: no CloudSigma server context")

// Cepgo asks CloudSigma's server context.
type Cepgo struct{}

// NewCepgo returns a client that finds nobody to ask.
func NewCepgo() *Cepgo { return &Cepgo{} }

// All fails.
func (*Cepgo) All() (interface{}, error) { return nil, errNone }

// Key fails.
func (*Cepgo) Key(string) (interface{}, error) { return nil, errNone }

// Meta fails.
func (*Cepgo) Meta() (map[string]string, error) { return nil, errNone }

// FetchRaw fails.
func (*Cepgo) FetchRaw(string) ([]byte, error) { return nil, errNone }
