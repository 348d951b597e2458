// Package rpcvmx stands in for VMware's guestinfo client, whose module is gone. It is only reached on a VMware guest.
package rpcvmx

import "errors"

// Config reads a guest's variables.
type Config struct{}

// NewConfig returns a Config that has none.
func NewConfig() *Config { return &Config{} }

// String returns def, and the reason why there is nothing better.
func (*Config) String(_, def string) (string, error) {
	return def, errors.New("rpcvmx: not a VMware guest")
}
