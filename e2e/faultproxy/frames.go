package faultproxy

import (
	"bytes"
	"encoding/binary"
	"io"
	"sync"

	"github.com/moby/spdystream/spdy"
	corev1 "k8s.io/api/core/v1"
)

// Every frame of SPDY/3 begins with eight bytes: the stream or the type of a control frame, flags, and the length of what follows.
const frameHeader = 8

// frame is a complete frame as it was sent.
type frame []byte

func (f frame) control() bool { return f[0]&0x80 != 0 }

func (f frame) stream() spdy.StreamId {
	return spdy.StreamId(binary.BigEndian.Uint32(f) &^ (1 << 31))
}

// data returns the payload of a data frame.
func (f frame) data() []byte { return f[frameHeader:] }

// first returns a frame with the first n bytes of the data. It ends the stream only if the original frame did.
func (f frame) first(n int) frame {
	shorter := append(frame{}, f[:frameHeader+n]...)
	flags := f[4]
	binary.BigEndian.PutUint32(shorter[4:], uint32(n)) //nolint:gosec // the length of a part of a frame
	shorter[4] = flags
	return shorter
}

// cut splits a frame after n bytes of its data.
func (f frame) cut(n int) (first, rest frame) {
	const ends = 0x01
	first = f.first(n)
	first[4] &^= ends
	rest = append(append(frame{}, f[:frameHeader]...), f.data()[n:]...)
	binary.BigEndian.PutUint32(rest[4:], uint32(len(rest)-frameHeader)) //nolint:gosec // the length of a part of a frame
	rest[4] = f[4]
	return first, rest
}

// splitter splits the bytes of one direction into frames.
type splitter struct{ rest []byte }

// split returns the frames that are complete after p.
func (s *splitter) split(p []byte) []frame {
	s.rest = append(s.rest, p...)
	var whole []frame
	for len(s.rest) >= frameHeader {
		size := frameHeader + int(binary.BigEndian.Uint32(s.rest[4:])&0xffffff)
		if len(s.rest) < size {
			break
		}
		whole = append(whole, frame(bytes.Clone(s.rest[:size])))
		s.rest = s.rest[size:]
	}
	return whole
}

// kinds maps each stream to its content, which the client names in the headers that open the stream.
type kinds struct {
	mu      sync.Mutex
	headers bytes.Buffer
	framer  *spdy.Framer
	kind    map[spdy.StreamId]string
}

func newKinds() *kinds {
	k := &kinds{kind: map[spdy.StreamId]string{}}
	// One framer reads all headers, because their compression spans frames. Creating it fails only without a reader.
	k.framer, _ = spdy.NewFramer(io.Discard, &k.headers)
	return k
}

// learn reads a frame from the client.
func (k *kinds) learn(f frame) {
	if !f.control() {
		return
	}
	k.headers.Write(f)
	parsed, err := k.framer.ReadFrame()
	k.headers.Reset()
	if opened, ok := parsed.(*spdy.SynStreamFrame); ok && err == nil {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.kind[opened.StreamId] = opened.Headers.Get(corev1.StreamType)
	}
}

// of returns the content of a data frame; empty for a control frame.
func (k *kinds) of(f frame) string {
	if f.control() {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kind[f.stream()]
}
