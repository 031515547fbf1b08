package console

import (
	"cmp"
	"fmt"
	"math/bits"
	"slices"
	"unicode/utf8"
)

// Sizes of charts in pixels. Along the width everything is in percent, so that a
// chart fills a telephone and a desk alike and its text keeps its size.
const (
	columnsHeight = 176
	columnsTop    = 24  // room for the label of the highest bar
	columnsBase   = 152 // where the bars stand; below are the labels of days
	rowHeight     = 44
	rowBar        = 12
	rowsShown     = 10
	labelLength   = 28 // characters beside the amount on a telephone
)

// datum is what a bar stands for.
type datum struct {
	label string
	minor int64 // or a count
	value Figure
	count string
}

// portion is part × of / whole, never below 0 and never above of. Pictures are
// drawn without floats as well: a sum of money can have more digits than one holds.
func portion(part, whole, of int64) int64 {
	if part <= 0 || whole <= 0 {
		return 0
	}
	if part >= whole {
		return of
	}
	high, low := bits.Mul64(uint64(part), uint64(of))
	quotient, _ := bits.Div64(high, low, uint64(whole))
	return int64(quotient)
}

// percent writes thousandths of the width.
func percent(thousandths int64) string { return fmt.Sprintf("%d.%d%%", thousandths/10, thousandths%10) }

// drawing knows in which direction the reader's language runs.
type drawing struct{ rtl bool }

func (d drawing) chart(id, kind, title, text string) Chart {
	c := Chart{ID: id, Kind: kind, Title: title, Text: text, LineStart: "0%", LineEnd: "100%"}
	if d.rtl {
		c.LineStart, c.LineEnd = "100%", "0%"
	}
	return c
}

// place is where a rectangle of some thousandths begins, after so many from where
// lines begin.
func (d drawing) place(after, width int64) string {
	if d.rtl {
		return percent(1000 - after - width)
	}
	return percent(after)
}

// columns draws upright bars along time, the first where lines begin. The least that is not nothing is a pixel
// high.
func (d drawing) columns(c Chart, data []datum) Chart {
	c.Columns, c.Height = true, columnsHeight
	if len(data) == 0 {
		return c
	}
	highest := slices.MaxFunc(data, func(a, b datum) int { return cmp.Compare(a.minor, b.minor) })
	c.First, c.Last = data[0].label, data[len(data)-1].label
	n := int64(len(data))
	for i, one := range data {
		begin, end := int64(i)*1000/n, int64(i+1)*1000/n
		width := max((end-begin)*4/5, 1)
		height := portion(one.minor, highest.minor, columnsBase-columnsTop)
		if one.minor > 0 {
			height = max(height, 1)
		}
		c.Bars = append(c.Bars, Bar{
			X: d.place(begin+(end-begin-width)/2, width), Width: percent(width), Y: columnsBase - height, Height: height, Label: one.label,
		})
		c.Lines = append(c.Lines, ChartLine{Label: one.label, Value: one.value, Count: one.count})
	}
	return c
}

// rows draws lying bars, the longest first. What is beyond those shown is in the
// table.
func (d drawing) rows(c Chart, data []datum) Chart {
	slices.SortStableFunc(data, func(a, b datum) int { return cmp.Compare(b.minor, a.minor) })
	for i, one := range data {
		c.Lines = append(c.Lines, ChartLine{Label: one.label, Value: one.value, Count: one.count})
		if i >= rowsShown {
			continue
		}
		width := portion(one.minor, data[0].minor, 1000)
		if one.minor > 0 {
			width = max(width, 2)
		}
		top := int64(i) * rowHeight
		c.Bars = append(c.Bars, Bar{
			X: d.place(0, width), Width: percent(width), Y: top + 22, Height: rowBar, TextY: top + 16, Label: shorten(one.label),
		})
	}
	c.Rows = len(c.Bars)
	c.Height = int64(c.Rows) * rowHeight
	return c
}

// shorten cuts a name to what has room, with the dots at its own end: inside a
// picture there is no element that keeps what people typed in its own direction.
func shorten(label string) string {
	const asItself, end = "\u2068", "\u2069"
	if utf8.RuneCountInString(label) > labelLength {
		label = string([]rune(label)[:labelLength-1]) + "…"
	}
	return asItself + label + end
}
