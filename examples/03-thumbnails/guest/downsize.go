package main

import (
	"image"
	"image/color"
	"image/draw"
	"math"
)

// downsize fits src into a square of side pixels, on white, by averaging the
// area under each pixel. A smaller image keeps its size.
func downsize(src image.Image, side int) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	flat := image.NewRGBA(image.Rect(0, 0, w, h))
	draw.Draw(flat, flat.Bounds(), image.White, image.Point{}, draw.Src)
	draw.Draw(flat, flat.Bounds(), src, src.Bounds().Min, draw.Over)
	if w <= side && h <= side {
		return flat
	}
	scale := float64(max(w, h)) / float64(side)
	tw, th := max(1, int(math.Round(float64(w)/scale))), max(1, int(math.Round(float64(h)/scale)))
	small := image.NewRGBA(image.Rect(0, 0, tw, th))
	xs, ys := spans(w, tw), spans(h, th)
	for y, ySpan := range ys {
		for x, xSpan := range xs {
			small.SetRGBA(x, y, average(flat, xSpan, ySpan))
		}
	}
	return small
}

// span is the source pixels from first on that one target pixel covers, with
// how much of each. The weights sum to 1.
type span struct {
	first   int
	weights []float64
}

// spans divides size source pixels among n target pixels.
func spans(size, n int) []span {
	all := make([]span, n)
	step := float64(size) / float64(n)
	for i := range all {
		from, to := float64(i)*step, min(float64(i+1)*step, float64(size))
		all[i].first = int(from)
		for p := int(from); float64(p) < to; p++ {
			covered := min(to, float64(p+1)) - max(from, float64(p))
			all[i].weights = append(all[i].weights, covered/(to-from))
		}
	}
	return all
}

// average is the weighted mean of an opaque image's area.
func average(img *image.RGBA, xs, ys span) color.RGBA {
	var r, g, b float64
	for dy, wy := range ys.weights {
		row := img.Pix[img.PixOffset(xs.first, ys.first+dy):]
		for dx, wx := range xs.weights {
			pixel := row[4*dx : 4*dx+3]
			r += wx * wy * float64(pixel[0])
			g += wx * wy * float64(pixel[1])
			b += wx * wy * float64(pixel[2])
		}
	}
	return color.RGBA{uint8(r + 0.5), uint8(g + 0.5), uint8(b + 0.5), 255}
}
