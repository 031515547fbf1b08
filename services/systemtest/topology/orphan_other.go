//go:build !linux

package topology

import "syscall"

// dieWithParent can do nothing here: what a killed launcher leaves behind must be
// stopped by hand.
func dieWithParent(*syscall.SysProcAttr, syscall.Signal) {}
