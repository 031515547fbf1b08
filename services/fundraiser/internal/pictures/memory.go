package pictures

import (
	"encoding/binary"
	"image"
	"image/color"
)

// rgba is the bytes of a pixel as pictures are worked on.
const rgba = 4

// largest is how many pixels the largest size of a picture has, whichever way it
// is turned.
func largest(bounds image.Config) int64 {
	w, h := int64(bounds.Width), int64(bounds.Height)
	side := int64(sizes[0])
	return max(min(w, side)*h*min(w, side)/w, min(h, side)*w*min(h, side)/h)
}

// What decoding needs, in bytes. Where a header leaves open what it will be, the
// figure is for the worst: headers are written by whoever uploads.

func memoryOfPNG(upload []byte, bounds image.Config) int64 {
	pixels := int64(bounds.Width) * int64(bounds.Height)
	deep := int64(rgba)
	switch bounds.ColorModel {
	case color.RGBA64Model, color.NRGBA64Model, color.Gray16Model:
		deep = 2 * rgba
	}
	// The seventh pass of an interlaced picture is half of it once more.
	const interlace = 28
	if len(upload) <= interlace || upload[interlace] != 0 {
		return pixels * deep * 3 / 2
	}
	return pixels * deep
}

func memoryOfWebP(_ []byte, bounds image.Config) int64 {
	pixels := int64(bounds.Width) * int64(bounds.Height)
	if bounds.ColorModel == color.YCbCrModel {
		return 2 * pixels
	}
	// Without loss, or with transparency, which is kept without loss: the pixels
	// before and after they are transformed, and the transparency by itself.
	return (2*rgba + 1) * pixels
}

func memoryOfJPEG(upload []byte, bounds image.Config) int64 {
	pixels := int64(bounds.Width) * int64(bounds.Height)
	// Four components, converted, and progressive: what cannot be read may be that.
	const (
		components = 4
		converted  = 2 * rgba
		// A progressive file is kept as coefficients of four bytes until its end.
		coefficient = 4
	)
	frame, found := frameOfJPEG(upload)
	if !found {
		return pixels * (components*(1+coefficient) + converted)
	}
	samples, sample := int64(0), int64(1)
	widest, highest := int64(1), int64(1)
	for _, c := range frame.sampling {
		h, v := int64(c>>4), int64(c&15)
		samples, widest, highest = samples+h*v, max(widest, h), max(highest, v)
	}
	if frame.progressive {
		sample += coefficient
	}
	needed := pixels * samples * sample / (widest * highest)
	if len(frame.sampling) != 1 && bounds.ColorModel != color.YCbCrModel {
		needed += pixels * converted
	}
	return needed
}

// frameJPEG is what a JPEG says about how its pixels are kept.
type frameJPEG struct {
	progressive bool
	sampling    []byte // of each component: across and down, four bits each
}

// frameOfJPEG walks the segments before the pixels as the decoder does. What is
// unusual there is not found, for the decoder may walk on elsewhere.
func frameOfJPEG(file []byte) (frameJPEG, bool) {
	rest := file[min(len(file), 2):]
	for len(rest) >= 4 && rest[0] == 0xFF {
		marker := rest[1]
		if marker == 0xFF { // fill byte
			rest = rest[1:]
			continue
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if marker < 0xC0 || marker >= 0xD0 && marker <= 0xDA || length < 2 || 2+length > len(rest) {
			return frameJPEG{}, false
		}
		segment := rest[4 : 2+length]
		if marker >= 0xC0 && marker <= 0xC2 {
			return readFrame(marker, segment)
		}
		rest = rest[2+length:]
	}
	return frameJPEG{}, false
}

func readFrame(marker byte, segment []byte) (frameJPEG, bool) {
	const head, component = 6, 3 // depth, height, width, number; id, sampling, table
	if len(segment) < head || len(segment) != head+component*int(segment[5]) {
		return frameJPEG{}, false
	}
	frame := frameJPEG{progressive: marker == 0xC2}
	for at := head; at < len(segment); at += component {
		frame.sampling = append(frame.sampling, segment[at+1])
	}
	return frame, len(frame.sampling) > 0
}
