module coreos-lab/userland/cloudinit

go 1.26.0

tool github.com/coreos/coreos-cloudinit

require (
	github.com/cloudsigma/cepgo v0.0.0 // indirect
	github.com/coreos/coreos-cloudinit v1.14.0 // indirect
	github.com/coreos/go-systemd v0.0.0 // indirect
	github.com/coreos/go-systemd/v22 v22.5.0 // indirect
	github.com/coreos/yaml v0.0.0-20141224210557-6b16a5714269 // indirect
	github.com/dotcloud/docker v0.11.1 // indirect
	github.com/godbus/dbus/v5 v5.0.4 // indirect
	github.com/gopherjs/gopherjs v1.17.2 // indirect
	github.com/jtolds/gls v4.20.0+incompatible // indirect
	github.com/sigma/vmw-guestinfo v0.0.0 // indirect
	github.com/sigma/vmw-ovflib v0.0.0 // indirect
	github.com/smarty/assertions v1.15.0 // indirect
	github.com/vmware/vmw-ovflib v0.0.0-20170608004843-1f217b9dc714 // indirect
	gopkg.in/check.v1 v1.0.0-20201130134442-10cb98267c6c // indirect
)

// See the package comment of each.
replace (
	github.com/cloudsigma/cepgo => ./shim/cepgo
	github.com/coreos/go-systemd => ./shim/go-systemd
	github.com/sigma/vmw-guestinfo => ./shim/vmw-guestinfo
	github.com/sigma/vmw-ovflib => ./shim/vmw-ovflib
)
