package sharing

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// quiet is the white around a code, in modules, that cameras need
// (ISO/IEC 18004 asks for four).
const quiet = 4

// Code is a QR code of a text as SVG, black on white whatever surrounds it, since
// not every camera reads it the other way round. label says what it is.
func Code(text, label string) (string, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return "", fmt.Errorf("make QR code: %w", err)
	}
	side := code.Size + 2*quiet
	var svg strings.Builder
	fmt.Fprintf(&svg, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges" role="img">`, side, side)
	fmt.Fprintf(&svg, `<title>%s</title><rect width="%d" height="%d" fill="#fff"/><path d="`, escaper.Replace(label), side, side)
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			run := 0
			for x+run < code.Size && code.Black(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&svg, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	svg.WriteString("\"/></svg>\n")
	return svg.String(), nil
}

// escaper makes text safe inside an element.
var escaper = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;")
