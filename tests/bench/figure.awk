# SPDX-License-Identifier: GPL-2.0
#
# A figure of its rounds, of each a line: what the loop took, we, they (both with
# the loop, where there is one), and which part of it was interrupted.

function sort(a, n,	i, j, v) {
	for (i = 2; i <= n; i++) {
		v = a[i]
		for (j = i - 1; j && a[j] > v; j--)
			a[j + 1] = a[j]
		a[j + 1] = v
	}
}

function quantile(a, n, q,	at, i) {
	at = 1 + q * (n - 1)
	i = int(at)
	return i < n ? a[i] + (at - i) * (a[i + 1] - a[i]) : a[n]
}

{
	loop[NR] = $1
	ours[NR] = $2 - $1
	theirs[NR] = $3 - $1
	if (theirs[NR] <= 0 || ours[NR] <= 0)
		exit bad = 1
	ratio[NR] = ours[NR] / theirs[NR]
	out += $4
}

END {
	if (bad || !NR)
		exit 1
	sort(loop, NR)
	sort(ours, NR)
	sort(theirs, NR)
	sort(ratio, NR)
	median = quantile(ratio, NR, 0.5)
	we = quantile(ours, NR, 0.5)
	they = quantile(theirs, NR, 0.5)
	printf "# %s: %.4g against %.4g %s, net of %.3g; %d rounds, %.1f %% interrupted; %s\n",
		name, we, they, unit, quantile(loop, NR, 0.5), NR, out / NR * 100, what
	printf "ratio %s %.4g %.3f\n", name, median,
		(quantile(ratio, NR, 0.75) - quantile(ratio, NR, 0.25)) / median >>ratios
	if (curve)
		printf "curve %d %.2f %.2f\n", curve, we, they
}
