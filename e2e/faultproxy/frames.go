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

// frame is one whole frame as it was sent.
type frame []byte

func (f frame) control() bool { return f[0]&0x80 != 0 }

func (f frame) stream() spdy.StreamId {
	return spdy.StreamId(binary.BigEndian.Uint32(f) &^ (1 << 31))
}

// data is the payload of a frame that is no control frame.
func (f frame) data() []byte { return f[frameHeader:] }

// first is a frame with the first n bytes of the data. It ends the stream only if this one did.
func (f frame) first(n int) frame {
	shorter := append(frame{}, f[:frameHeader+n]...)
	flags := f[4]
	binary.BigEndian.PutUint32(shorter[4:], uint32(n)) //nolint:gosec // the length of a part of a frame
	shorter[4] = flags
	return shorter
}

// cut makes two frames of one, after n bytes of its data.
func (f frame) cut(n int) (first, rest frame) {
	const ends = 0x01
	first = f.first(n)
	first[4] &^= ends
	rest = append(append(frame{}, f[:frameHeader]...), f.data()[n:]...)
	binary.BigEndian.PutUint32(rest[4:], uint32(len(rest)-frameHeader)) //nolint:gosec // the length of a part of a frame
	rest[4] = f[4]
	return first, rest
}

// splitter cuts the bytes of one direction into frames.
type splitter struct{ rest []byte }

// split returns the frames that p completes.
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

// kinds knows which stream carries what, from the headers with which the client opens them.
type kinds struct {
	mu      sync.Mutex
	headers bytes.Buffer
	framer  *spdy.Framer
	kind    map[spdy.StreamId]string
}

func newKinds() *kinds {
	k := &kinds{kind: map[spdy.StreamId]string{}}
	// The header compression goes on from frame to frame; creating a framer without a reader would be the only way to fail.
	k.framer, _ = spdy.NewFramer(io.Discard, &k.headers)
	return k
}

// learn takes a frame from the client.
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

// of is what a frame of data carries; empty for a control frame.
func (k *kinds) of(f frame) string {
	if f.control() {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.kind[f.stream()]
}
