//go:build unix

package stripesim

import (
	"os"
	"syscall"
)

// lockFile keeps a second writer out. The lock goes with the process, also
// after kill -9.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
