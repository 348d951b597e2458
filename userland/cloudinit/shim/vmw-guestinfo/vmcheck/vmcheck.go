// Package vmcheck stands in for the probe of VMware's backdoor, whose module is gone. Its answer is what the
// probe would say on any machine of a lab: this is no VMware guest.
package vmcheck

// IsVirtualWorld reports whether this is a VMware guest.
func IsVirtualWorld() bool { return false }
