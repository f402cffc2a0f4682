//go:build !linux

package devloop

import "syscall"

func fewRights() *syscall.SysProcAttr { return nil }
