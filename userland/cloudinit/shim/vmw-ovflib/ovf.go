// Package ovf gives today's vmw-ovflib the shape that coreos-cloudinit was written for: one result, a pointer.
package ovf

import ovf "github.com/vmware/vmw-ovflib"

// OvfEnvironment holds the properties that an OVF document gives a machine.
type OvfEnvironment = ovf.OvfEnvironment

// ReadEnvironment reads an OVF document. One that cannot be read has no properties.
func ReadEnvironment(doc []byte) *OvfEnvironment {
	env, _ := ovf.ReadEnvironment(doc)
	return &env
}
