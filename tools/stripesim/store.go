package stripesim

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
)

const logName = "stripesim.log"

// maxRecord bounds a line of the log. The largest record holds one session with
// a hundred line items and its stored answer.
const maxRecord = 8 << 20

// logFile is an append-only file of records, one a line: eight hex digits of
// CRC-32C, a space, the JSON. Appends are serialised by the caller; any number
// of goroutines may wait in sync, and one fsync serves all that have arrived.
type logFile struct {
	file *os.File
	size int64

	mu      sync.Mutex
	changed *sync.Cond
	written uint64
	durable uint64
	failure error
	closed  bool
	done    chan struct{}
}

func openLog(dir string, apply func(*record) error) (*logFile, int64, error) {
	err := os.MkdirAll(dir, 0o700)
	if err != nil {
		return nil, 0, fmt.Errorf("make store directory: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(dir, logName), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, 0, fmt.Errorf("open store: %w", err)
	}
	l, torn, err := recoverLog(file, dir, apply)
	if err != nil {
		return nil, 0, errors.Join(err, file.Close())
	}
	go l.syncLoop()
	return l, torn, nil
}

func recoverLog(file *os.File, dir string, apply func(*record) error) (*logFile, int64, error) {
	err := lockFile(file)
	if err != nil {
		return nil, 0, fmt.Errorf("lock store %s (is another simulator using it?): %w", dir, err)
	}
	var last uint64
	good, err := replay(file, 0, func(rec *record) error {
		last = rec.Seq
		return apply(rec)
	})
	if err != nil {
		return nil, 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, fmt.Errorf("stat store: %w", err)
	}
	// A half-written last record was never answered to anyone: it is cut.
	torn := info.Size() - good
	if torn > 0 {
		err = file.Truncate(good)
		if err != nil {
			return nil, 0, fmt.Errorf("cut torn tail of store: %w", err)
		}
	}
	_, err = file.Seek(good, io.SeekStart)
	if err != nil {
		return nil, 0, fmt.Errorf("seek store: %w", err)
	}
	err = errors.Join(file.Sync(), syncDir(dir))
	if err != nil {
		return nil, 0, fmt.Errorf("sync store: %w", err)
	}
	l := &logFile{file: file, size: good, written: last, durable: last, done: make(chan struct{})}
	l.changed = sync.NewCond(&l.mu)
	return l, torn, nil
}

// A new file is durable only when its directory entry is.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// replayBatch is how many lines are decoded side by side.
const replayBatch = 512

// replay applies the whole records from offset on and returns where they end.
// Damage is a torn tail only when no whole record follows it; otherwise bytes
// in the middle were changed, and cutting there would lose answered requests.
func replay(file io.ReaderAt, offset int64, apply func(*record) error) (int64, error) {
	reader := bufio.NewReaderSize(io.NewSectionReader(file, offset, 1<<62), 1<<20)
	for {
		lines, err := readLines(reader)
		if err != nil {
			return offset, fmt.Errorf("read store after byte %d: %w", offset, err)
		}
		if len(lines) == 0 {
			return offset, nil
		}
		records := decodeAll(lines)
		for i, rec := range records {
			if rec == nil {
				return offset, onlyTornTail(records[i:], reader, offset)
			}
			err := apply(rec)
			if err != nil {
				return offset, fmt.Errorf("replay store at byte %d: %w", offset, err)
			}
			offset += int64(len(lines[i]))
		}
	}
}

func readLines(reader *bufio.Reader) ([][]byte, error) {
	var lines [][]byte
	for len(lines) < replayBatch {
		line, err := readLine(reader)
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		if err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// decodeAll uses all processors: decoding is nearly all the work of a start. A
// line that is not a whole record becomes nil.
func decodeAll(lines [][]byte) []*record {
	out := make([]*record, len(lines))
	workers := min(runtime.GOMAXPROCS(0), len(lines))
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for i := worker; i < len(lines); i += workers {
				out[i] = decodeRecord(lines[i])
			}
		})
	}
	group.Wait()
	return out
}

func onlyTornTail(records []*record, reader *bufio.Reader, offset int64) error {
	for {
		if slices.ContainsFunc(records, func(rec *record) bool { return rec != nil }) {
			return fmt.Errorf("store is damaged at byte %d, with whole records after it; restore it from a copy", offset)
		}
		lines, err := readLines(reader)
		if err != nil {
			return fmt.Errorf("read store after byte %d: %w", offset, err)
		}
		if len(lines) == 0 {
			return nil
		}
		records = decodeAll(lines)
	}
}

// readLine returns one line with its end. A last line without end is io.EOF: it
// is still being written, or was torn.
func readLine(reader *bufio.Reader) ([]byte, error) {
	line, err := reader.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	if len(line) > maxRecord {
		return nil, fmt.Errorf("record of %d bytes", len(line))
	}
	return line, nil
}

// decodeRecord is nil for anything but a whole record.
func decodeRecord(line []byte) *record {
	if len(line) < 10 || line[8] != ' ' {
		return nil
	}
	body := line[9 : len(line)-1]
	if !bytes.Equal(line[:8], checksum(body)) {
		return nil
	}
	rec := new(record)
	err := json.Unmarshal(body, rec)
	if err != nil {
		return nil
	}
	return rec
}

func checksum(body []byte) []byte {
	return fmt.Appendf(nil, "%08x", crc32.Checksum(body, crc32.MakeTable(crc32.Castagnoli)))
}

// append writes one record to the file; it is durable after sync. A failed
// write is cut off again, so that the file never ends in half a record that a
// later one would be glued to.
func (l *logFile) append(rec *record) error {
	body, err := json.Marshal(rec)
	if err != nil {
		return fmt.Errorf("encode record: %w", err)
	}
	line := make([]byte, 0, len(body)+10)
	line = append(line, checksum(body)...)
	line = append(line, ' ')
	line = append(line, body...)
	line = append(line, '\n')
	l.mu.Lock()
	failure := l.failure
	l.mu.Unlock()
	if failure != nil {
		return failure
	}
	_, err = l.file.Write(line)
	if err != nil {
		err = fmt.Errorf("write store: %w", err)
		_, seekErr := l.file.Seek(l.size, io.SeekStart)
		undo := errors.Join(l.file.Truncate(l.size), seekErr)
		if undo != nil {
			l.fail(errors.Join(err, undo))
		}
		return err
	}
	l.size += int64(len(line))
	l.mu.Lock()
	l.written = rec.Seq
	l.changed.Broadcast()
	l.mu.Unlock()
	return nil
}

// sync waits until the record with this number is on disk.
func (l *logFile) sync(seq uint64) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for l.durable < seq && l.failure == nil {
		l.changed.Wait()
	}
	return l.failure
}

// syncLoop turns what has been written into what is durable. After a failed
// fsync the kernel may have dropped the pages, so the store stops for good.
func (l *logFile) syncLoop() {
	defer close(l.done)
	for {
		l.mu.Lock()
		for l.written == l.durable && !l.closed {
			l.changed.Wait()
		}
		upTo, closing := l.written, l.closed && l.written == l.durable
		l.mu.Unlock()
		if closing {
			return
		}
		err := l.file.Sync()
		if err != nil {
			l.fail(fmt.Errorf("sync store: %w", err))
			return
		}
		l.mu.Lock()
		l.durable = upTo
		l.changed.Broadcast()
		l.mu.Unlock()
	}
}

func (l *logFile) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failure == nil {
		l.failure = err
	}
	l.changed.Broadcast()
}

func (l *logFile) close() error {
	l.mu.Lock()
	l.closed = true
	l.changed.Broadcast()
	l.mu.Unlock()
	<-l.done
	return l.file.Close()
}
