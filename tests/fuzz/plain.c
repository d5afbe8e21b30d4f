// SPDX-License-Identifier: GPL-2.0
/*
 * A fuzzer without coverage, for machines without clang: runs a target on the files
 * that it is given, and on changed ones, the same in every run.
 *
 *	fuzz_NAME RUNS KEPT SEEDS	directories; a claim for the kept inputs, and one
 *					for RUNS inputs made of them and of the seeds
 *	fuzz_NAME FILE...		runs these
 *
 * An input that fails is left in crash-NAME.
 */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"
#include "ktap.h"

#define INPUT_MAX	4096
#define INPUTS		8192

struct octets {
	uint8_t *data;
	size_t size;
};

static struct octets inputs[INPUTS];
static size_t count;

static struct octets current;
static char crash[256];

/* Where sanitizers look for what they are to do. UBSan alone has no callback. */
extern void __sanitizer_set_death_callback(void (*callback)(void));
const char *__ubsan_default_options(void);

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

static void keep(void)
{
	FILE *file = fopen(crash, "w");

	if (!file)
		return;
	fwrite(current.data, 1, current.size, file);
	fclose(file);
	fprintf(stderr, "the input is in %s\n", crash);
}

static void on_signal(int signal)
{
	(void)signal;
	keep();
	_exit(1);
}

/* In memory of its very size, which ASan guards. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	memcpy(copy, data, size);
	current = (struct octets){ copy, size };
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
}

static bool load(const char *path)
{
	FILE *file = fopen(path, "r");
	uint8_t data[INPUT_MAX];
	size_t size;

	if (!file)
		return false;
	size = fread(data, 1, sizeof(data), file);
	fclose(file);
	if (count == INPUTS)
		return true;
	inputs[count].data = malloc(size ? size : 1);
	memcpy(inputs[count].data, data, size);
	inputs[count++].size = size;
	return true;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_input(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* A directory that is not there has no inputs. */
static void load_all(const char *path)
{
	struct dirent **entries;
	char file[4096];
	int n = scandir(path, &entries, is_input, by_name);

	for (int i = 0; i < n; i++) {
		snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
		load(file);
		free(entries[i]);
	}
	if (n >= 0)
		free(entries);
}

/* xorshift64* */
static uint64_t random_state = 0x7463707374617465;

static uint32_t random_below(uint32_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 0x2545f4914f6cdd1d >> 32) % limit;
}

static uint8_t odd_octet(void)
{
	static const uint8_t odd[] = { 0, 1, 2, 4, 5, 6, 15, 16, 0x20, 0x7f, 0x80, 0xfe, 0xff };

	return random_below(2) ? random_below(256) : odd[random_below(sizeof(odd))];
}

static size_t change(uint8_t *data, size_t size)
{
	const struct octets *other;
	size_t at, len, from;

	switch (size ? random_below(8) : 0) {
	case 0:		/* put in */
		at = random_below(size + 1);
		len = 1 + random_below(16);
		if (size + len > INPUT_MAX)
			return size;
		memmove(data + at + len, data + at, size - at);
		for (from = at; from < at + len; from++)
			data[from] = odd_octet();
		return size + len;
	case 1:		/* take out */
		at = random_below(size);
		len = 1 + random_below(16);
		if (len > size - at)
			len = size - at;
		memmove(data + at, data + at + len, size - at - len);
		return size - len;
	case 2:		/* go on as another does */
		if (!count)
			return size;
		other = &inputs[random_below(count)];
		if (!other->size)
			return size;
		from = random_below(other->size);
		at = random_below(size);
		len = other->size - from;
		if (len > INPUT_MAX - at)
			len = INPUT_MAX - at;
		memcpy(data + at, other->data + from, len);
		return at + len;
	case 3:		/* a bit */
		data[random_below(size)] ^= 1 << random_below(8);
		return size;
	default:
		data[random_below(size)] = odd_octet();
		return size;
	}
}

static void run_changed(void)
{
	uint8_t data[INPUT_MAX];
	size_t size = 0;

	if (count && random_below(16)) {
		const struct octets *input = &inputs[random_below(count)];

		size = input->size;
		memcpy(data, input->data, size);
	} else {
		size = random_below(512);
		for (size_t i = 0; i < size; i++)
			data[i] = odd_octet();
	}
	for (unsigned int changes = 1 + random_below(4); changes; changes--)
		size = change(data, size);
	run(data, size);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/') ? strrchr(argv[0], '/') + 1 : argv[0];
	unsigned long runs;
	size_t kept;
	char *end;

	snprintf(crash, sizeof(crash), "crash-%s", name);
	signal(SIGABRT, on_signal);
	__sanitizer_set_death_callback(keep);

	runs = argc == 4 ? strtoul(argv[1], &end, 10) : 0;
	if (argc != 4 || *end) {
		for (int i = 1; i < argc; i++) {
			count = 0;
			if (!load(argv[i])) {
				perror(argv[i]);
				return 2;
			}
			run(inputs[0].data, inputs[0].size);
		}
		return argc < 2;
	}

	plan(2);
	load_all(argv[2]);
	kept = count;
	for (size_t i = 0; i < kept; i++)
		run(inputs[i].data, inputs[i].size);
	ok(true, "%s: %zu inputs that once failed", name, kept);
	load_all(argv[3]);
	for (size_t i = kept; i < count; i++)
		run(inputs[i].data, inputs[i].size);
	for (unsigned long i = 0; i < runs; i++)
		run_changed();
	ok(true, "%s: %zu seeds, and %lu inputs made of them", name, count - kept, runs);
	return done();
}
