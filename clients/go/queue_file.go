package tollgate

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"

	"google.golang.org/protobuf/encoding/protojson"

	pb "tollgate.example/go/gen/tollgate/v1"
)

const queueFileBytesMax = 256 << 20

// queueFile is the file behind a queue: records that wait survive the process.
//
// It has JSON lines of RecordUsageRequest, appended when a record is queued and taken out once it
// is delivered. A record that a crash leaves in the file although it was delivered is sent again
// under the same request id and counted once. It is written for the end of the process, not of
// the machine: nothing is forced to the disk.
//
// Calls are serialised by the caller.
type queueFile struct {
	path string
	log  *slog.Logger
	lock *os.File // Locked until it is closed.
	file *os.File // For appending.
	size int64
	// The file has lines of records that wait in memory, some of them delivered by now, and from
	// one place on those that found no room there.
	inMemory int
	beyondAt int64
	beyond   int
}

// openQueueFile fails if the file cannot be used or another client has it.
func openQueueFile(path string, log *slog.Logger) (*queueFile, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("tollgate: %w", err)
	}
	lock, err := os.OpenFile(path+".lock", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("tollgate: %w", err)
	}
	if err := lockFile(lock); err != nil {
		err = fmt.Errorf("tollgate: another client uses the queue file %s: %w", path, err)
		return nil, errors.Join(err, lock.Close())
	}
	q := &queueFile{path: path, log: log, lock: lock}
	if err := q.reopen(); err != nil {
		return nil, errors.Join(fmt.Errorf("tollgate: %w", err), lock.Close())
	}
	return q, nil
}

// load reads what an earlier process has left: at most count, the others stay beyond.
func (q *queueFile) load(count int) []*pb.RecordUsageRequest {
	lines, torn, err := countLines(q.path)
	if err == nil && torn {
		// A process was killed while it wrote; what follows must be on a line of its own.
		_, err = q.file.Write([]byte("\n"))
	}
	if err != nil {
		q.log.Error("tollgate: cannot read the queue file", "path", q.path, "error", err)
		return nil
	}
	if lines == 0 {
		return nil
	}
	q.beyond = lines
	return q.remove(nil, count)
}

// append writes one line, for a record that waits in memory too or only here, and says if it
// could.
func (q *queueFile) append(record *pb.RecordUsageRequest, inMemory bool) bool {
	line, err := queueLine(record)
	if err == nil && q.size+int64(len(line)) > queueFileBytesMax {
		return false
	}
	if err == nil {
		var count int
		count, err = q.file.Write(line)
		if err != nil && count > 0 {
			// Half a line would spoil the next one.
			err = errors.Join(err, q.file.Truncate(q.size))
		}
	}
	if err != nil {
		q.log.Error("tollgate: cannot write the queue file", "path", q.path, "error", err)
		return false
	}
	q.size += int64(len(line))
	if inMemory {
		q.beyondAt = q.size
		q.inMemory++
	} else {
		q.beyond++
	}
	return true
}

// wantsRemoval says whether at least half of the lines in memory are done, and the rest can move
// up. The file is rewritten only then, so that a record costs the same however long the queue is.
func (q *queueFile) wantsRemoval(waiting int) bool {
	if waiting > 0 && q.beyond > 0 {
		return false
	}
	return (q.beyond > 0 || q.inMemory > 0) && q.inMemory >= 2*waiting
}

// remove forgets all but what waits in memory and what is beyond; it reads up to room of that.
func (q *queueFile) remove(kept []*pb.RecordUsageRequest, room int) []*pb.RecordUsageRequest {
	for {
		read, err := q.rewrite(kept, room)
		if err != nil {
			q.log.Error("tollgate: cannot rewrite the queue file", "path", q.path, "error", err)
			return nil
		}
		// Lines that are no records are passed over.
		if len(read) > 0 || q.beyond == 0 {
			return read
		}
	}
}

// close lets another client have the file.
func (q *queueFile) close() {
	if err := errors.Join(q.file.Close(), q.lock.Close()); err != nil {
		q.log.Warn("tollgate: cannot close the queue file", "path", q.path, "error", err)
	}
}

func (q *queueFile) rewrite(kept []*pb.RecordUsageRequest, room int) (
	[]*pb.RecordUsageRequest, error,
) {
	if len(kept) == 0 && q.beyond == 0 {
		if err := q.file.Truncate(0); err != nil {
			return nil, err
		}
		q.size, q.beyondAt, q.inMemory = 0, 0, 0
		return nil, nil
	}
	old, err := os.Open(q.path)
	if err != nil {
		return nil, err
	}
	defer old.Close()
	if _, err := old.Seek(q.beyondAt, io.SeekStart); err != nil {
		return nil, err
	}
	rest := bufio.NewReader(old)
	taken, read, err := q.take(rest, min(room, q.beyond))
	if err != nil {
		return nil, err
	}
	beyondAt, err := writeQueue(q.path+".new", append(kept[:len(kept):len(kept)], read...), rest)
	if err != nil {
		return nil, err
	}
	// Some systems do not replace what is open.
	if err := errors.Join(old.Close(), q.file.Close()); err != nil {
		return nil, err
	}
	err = os.Rename(q.path+".new", q.path)
	if err := errors.Join(err, q.reopen()); err != nil {
		return nil, err
	}
	q.beyondAt = beyondAt
	q.inMemory = len(kept) + len(read)
	q.beyond -= taken
	return read, nil
}

// take reads so many lines, of which those that are no records are logged, and says how many it
// has taken: all there should be, where the file ends before.
func (q *queueFile) take(lines *bufio.Reader, count int) (
	taken int, read []*pb.RecordUsageRequest, err error,
) {
	for ; taken < count; taken++ {
		line, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return q.beyond, read, nil
		}
		if err != nil {
			return taken, read, err
		}
		record := &pb.RecordUsageRequest{}
		if err := lenient.Unmarshal(line, record); err != nil {
			q.log.Error("tollgate: a line of the queue file is not a record", "error", err)
			continue
		}
		read = append(read, record)
	}
	return taken, read, nil
}

// reopen opens the file for appending.
func (q *queueFile) reopen() error {
	file, err := os.OpenFile(q.path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	info, err := file.Stat()
	if err != nil {
		return errors.Join(err, file.Close())
	}
	q.file, q.size = file, info.Size()
	return nil
}

// Records that a newer client has left may have more fields.
var lenient = protojson.UnmarshalOptions{DiscardUnknown: true}

func queueLine(record *pb.RecordUsageRequest) ([]byte, error) {
	line, err := protojson.Marshal(record)
	return append(line, '\n'), err
}

// writeQueue writes a new file, and says where what is copied to its end begins.
func writeQueue(path string, records []*pb.RecordUsageRequest, rest io.Reader) (int64, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return 0, err
	}
	out := bufio.NewWriter(file)
	var size int64
	for _, record := range records {
		line, err := queueLine(record)
		if err != nil {
			return 0, errors.Join(err, file.Close())
		}
		size += int64(len(line))
		// What fails here fails again at the flush.
		_, _ = out.Write(line)
	}
	_, err = io.Copy(out, rest)
	return size, errors.Join(err, out.Flush(), file.Close())
}

// countLines says how many lines there are, and whether the last one has no end.
func countLines(path string) (count int, torn bool, err error) {
	file, err := os.Open(path)
	if err != nil {
		return 0, false, err
	}
	defer file.Close()
	buffer := make([]byte, 64<<10)
	for {
		size, err := file.Read(buffer)
		if size > 0 {
			count += bytes.Count(buffer[:size], []byte("\n"))
			torn = buffer[size-1] != '\n'
		}
		switch {
		case err == io.EOF && torn:
			return count + 1, true, nil
		case err == io.EOF:
			return count, false, nil
		case err != nil:
			return 0, false, err
		}
	}
}
