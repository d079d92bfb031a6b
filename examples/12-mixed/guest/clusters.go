package main

import (
	"fmt"
	"math"
)

// check wants each point to be in the cluster whose center is nearest, and returns the
// mean of the squares of the distances.
func (c Clusters) check(points [][]float64) (spread float64, err error) {
	if len(c.Of) != len(points) {
		return 0, fmt.Errorf("%d points are in clusters, want %d", len(c.Of), len(points))
	}
	for i, of := range c.Of {
		if of < 0 || of >= len(c.Centers) {
			return 0, fmt.Errorf("point %d is in cluster %d, there are %d", i, of, len(c.Centers))
		}
		own, err := distance(points[i], c.Centers[of])
		if err != nil {
			return 0, err
		}
		for n, center := range c.Centers {
			const rounding = 1e-9
			d, err := distance(points[i], center)
			if err != nil {
				return 0, err
			}
			if d < own-rounding {
				return 0, fmt.Errorf("point %d is in cluster %d, and nearer to %d", i, of, n)
			}
		}
		spread += own / float64(len(points))
	}
	return spread, nil
}

func distance(a, b []float64) (float64, error) {
	if len(a) != len(b) {
		return 0, fmt.Errorf("a center has %d coordinates, want %d", len(b), len(a))
	}
	sum := 0.0
	for i := range a {
		sum += (a[i] - b[i]) * (a[i] - b[i])
	}
	return sum, nil
}

// describe has each center in the columns' own units, and how many rows it is of.
func (c Clusters) describe(columns []Column) []map[string]float64 {
	all := make([]map[string]float64, len(c.Centers))
	for i, center := range c.Centers {
		all[i] = map[string]float64{"rows": 0}
		for j, column := range columns {
			all[i][column.Name] = round(column.Min+center[j]*column.width(), 2)
		}
	}
	for _, of := range c.Of {
		all[of]["rows"]++
	}
	return all
}

func round(x float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(x*unit) / unit
}
