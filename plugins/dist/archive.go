package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// packed is a file to pack into an archive.
type packed struct {
	name, source string
	mode         fs.FileMode
}

// writeTarGz packs the files in the given order. It does not store owners or the time of the run, so that archives are reproducible.
func writeTarGz(file string, files []packed, modified time.Time) error {
	return writeFile(file, func(w io.Writer) error {
		zipped := gzip.NewWriter(w)
		archive := tar.NewWriter(zipped)
		for _, f := range files {
			content, err := os.ReadFile(f.source)
			if err != nil {
				return err
			}
			header := &tar.Header{Name: f.name, Mode: int64(f.mode), Size: int64(len(content)), ModTime: modified, Format: tar.FormatUSTAR}
			if err := archive.WriteHeader(header); err != nil {
				return err
			}
			if _, err := archive.Write(content); err != nil {
				return err
			}
		}
		if err := archive.Close(); err != nil {
			return err
		}
		return zipped.Close()
	})
}

// writeZip is like writeTarGz for a zip file.
func writeZip(file string, files []packed, modified time.Time) error {
	return writeFile(file, func(w io.Writer) error {
		archive := zip.NewWriter(w)
		for _, f := range files {
			content, err := os.ReadFile(f.source)
			if err != nil {
				return err
			}
			header := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: modified}
			header.SetMode(f.mode)
			entry, err := archive.CreateHeader(header)
			if err != nil {
				return err
			}
			if _, err := entry.Write(content); err != nil {
				return err
			}
		}
		return archive.Close()
	})
}

// writeFile creates the file with the content that write produces.
func writeFile(name string, write func(io.Writer) error) (err error) {
	file, err := os.Create(name) //nolint:gosec // the caller's own directory
	if err != nil {
		return err
	}
	defer func() {
		if closed := file.Close(); err == nil && closed != nil {
			err = fmt.Errorf("write %s: %w", name, closed)
		}
	}()
	return write(file)
}
