package tollgate

import (
	"os"

	"golang.org/x/sys/windows"
)

// lockFile fails if another client has the lock, in this process or in another.
func lockFile(file *os.File) error {
	const flags = windows.LOCKFILE_EXCLUSIVE_LOCK | windows.LOCKFILE_FAIL_IMMEDIATELY
	return windows.LockFileEx(windows.Handle(file.Fd()), flags, 0, 1, 0, &windows.Overlapped{})
}
