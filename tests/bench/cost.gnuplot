# SPDX-License-Identifier: GPL-2.0
# The cost of a segment against the number of flows: gnuplot -e "data='FILE'; out='STEM'".
set logscale x 10
set logscale y 2
set format x "%.0s %c"
set xrange [700:6000000]
set yrange [16:*]
set xlabel "flows, drawn at random"
set ylabel "nanoseconds a data segment"
set key top left
set grid
set style data linespoints
set output out . ".svg"
set terminal svg size 720, 480
plot data using 1:3 title "nf\\_conntrack" lw 2, data using 1:2 title "tcpstate" lw 2
set output out . ".png"
set terminal pngcairo size 720, 480
replot
