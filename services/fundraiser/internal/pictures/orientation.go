package pictures

import (
	"bytes"
	"encoding/binary"
	"image"
)

// turn is what has to be done to a picture to stand upright, in the numbers of
// Exif: 1 nothing, 2 mirror, 3 half turn, 4 upside down, 5 to 8 on its side.
// Cameras write the sensor's rows as they come and note how they were held.
type turn int

const upright turn = 1

// swaps tells whether width and height change places.
func (t turn) swaps() bool { return t >= 5 && t <= 8 }

// apply returns the picture upright.
func (t turn) apply(from *image.RGBA) *image.RGBA {
	if t <= upright || t > 8 {
		return from
	}
	w, h := from.Bounds().Dx(), from.Bounds().Dy()
	to := image.NewRGBA(image.Rect(0, 0, w, h))
	if t.swaps() {
		to = image.NewRGBA(image.Rect(0, 0, h, w))
	}
	for y := range h {
		for x := range w {
			tx, ty := t.place(x, y, w, h)
			copy(to.Pix[to.PixOffset(tx, ty):][:4], from.Pix[from.PixOffset(x, y):][:4])
		}
	}
	return to
}

// place is where the pixel at x, y of a picture of w × h goes.
func (t turn) place(x, y, w, h int) (int, int) {
	switch int(t) {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// orientation reads what a file says about how the camera was held. Whatever
// is damaged or unusual about that means upright: it is not worth refusing a
// picture for.
func orientation(format string, file []byte) turn {
	var block []byte
	switch format {
	case "jpeg":
		block = exifInJPEG(file)
	case "png":
		block = exifInPNG(file)
	case "webp":
		block = exifInWebP(file)
	}
	return orientationIn(bytes.TrimPrefix(block, []byte(exifMark)))
}

const exifMark = "Exif\x00\x00"

// exifInJPEG walks the segments before the pixels.
func exifInJPEG(file []byte) []byte {
	rest := file
	if len(rest) < 2 {
		return nil
	}
	rest = rest[2:]
	for len(rest) >= 4 && rest[0] == 0xFF {
		marker := rest[1]
		if marker == 0xFF { // fill byte
			rest = rest[1:]
			continue
		}
		if marker == 0xDA || marker == 0xD9 { // pixels, or the end
			return nil
		}
		length := int(binary.BigEndian.Uint16(rest[2:]))
		if length < 2 || 2+length > len(rest) {
			return nil
		}
		segment := rest[4 : 2+length]
		if marker == 0xE1 && bytes.HasPrefix(segment, []byte(exifMark)) {
			return segment
		}
		rest = rest[2+length:]
	}
	return nil
}

// exifInPNG walks the chunks; the block may come before or after the pixels.
func exifInPNG(file []byte) []byte {
	const signature, frame = 8, 12 // length, type and checksum around each chunk
	if len(file) < signature {
		return nil
	}
	for rest := file[signature:]; len(rest) >= frame; {
		length := int64(binary.BigEndian.Uint32(rest))
		if length > int64(len(rest)-frame) {
			return nil
		}
		if string(rest[4:8]) == "eXIf" {
			return rest[8 : 8+length]
		}
		rest = rest[frame+length:]
	}
	return nil
}

// exifInWebP walks the chunks, which begin at even places.
func exifInWebP(file []byte) []byte {
	const header, frame = 12, 8
	if len(file) < header {
		return nil
	}
	for rest := file[header:]; len(rest) >= frame; {
		length := int64(binary.LittleEndian.Uint32(rest[4:]))
		if length > int64(len(rest)-frame) {
			return nil
		}
		if string(rest[:4]) == "EXIF" {
			return rest[frame : frame+length]
		}
		rest = rest[min(frame+length+length%2, int64(len(rest))):]
	}
	return nil
}

// orientationIn reads the orientation from the first directory of a TIFF block.
func orientationIn(block []byte) turn {
	const header, entry, tagOrientation, typeShort = 8, 12, 0x0112, 3
	if len(block) < header {
		return upright
	}
	var order binary.ByteOrder
	switch string(block[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(block[4:]))
	if at < header || at+2 > int64(len(block)) {
		return upright
	}
	directory := block[at+2:]
	for range order.Uint16(block[at:]) {
		if len(directory) < entry {
			return upright
		}
		if order.Uint16(directory) == tagOrientation {
			value := turn(order.Uint16(directory[8:]))
			if order.Uint16(directory[2:]) != typeShort || order.Uint32(directory[4:]) != 1 || value < 1 || value > 8 {
				return upright
			}
			return value
		}
		directory = directory[entry:]
	}
	return upright
}
