module coreos-lab/userland/appc

go 1.26.0

tool (
	github.com/appc/docker2aci
	github.com/appc/spec/actool
)

require (
	github.com/appc/docker2aci v0.17.2 // indirect
	github.com/appc/spec v0.8.11 // indirect
	github.com/coreos/go-semver v0.3.1 // indirect
	github.com/coreos/ioprogress v0.0.0-20151023204047-4637e494fd9b // indirect
	github.com/coreos/pkg v0.0.0-20240122114842-bbd7aa9bf6fb // indirect
	github.com/docker/distribution v2.7.1+incompatible // indirect
	github.com/google/gofuzz v1.1.0 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/klauspost/pgzip v1.3.0 // indirect
	github.com/opencontainers/go-digest v1.0.0 // indirect
	github.com/opencontainers/image-spec v1.0.0-rc2 // indirect
	github.com/spf13/pflag v1.0.5 // indirect
	go4.org v0.0.0-20260112195520-a5071408f32f // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/net v0.62.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/term v0.47.0 // indirect
	gopkg.in/inf.v0 v0.9.1 // indirect
)
