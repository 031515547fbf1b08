package topology

import "syscall"

// dieWithParent has the kernel send the signal when this process ends, whatever
// ends it.
func dieWithParent(attributes *syscall.SysProcAttr, signal syscall.Signal) {
	attributes.Pdeathsig = signal
}
