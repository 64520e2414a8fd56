//go:build !windows

package tollgate

import (
	"os"
	"syscall"
)

// lockFile fails if another client has the lock, in this process or in another.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
