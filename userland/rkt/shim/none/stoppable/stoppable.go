// Package stoppableListener is empty: only tests of rkt import it, and `go mod tidy` wants to find it.
package stoppableListener
