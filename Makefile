# SPDX-License-Identifier: GPL-2.0
#
# The front door: `make help` lists what is behind it.

# The running kernel's headers, else (a container, say) the newest Debian ones.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -rV))
VM_KERNELS ?= 6.1 6.12
# Kernels that make test-kernels runs the core scripts on: Debian's oldest to newest.
CORE_KERNELS ?= 5.10 5.10-rt 6.1 6.1-rt 6.12 6.12-rt 7.3 7.3-rt
# The one with PREEMPT_RT that make test takes.
RT_KERNEL ?= 6.12-rt
CORE := t_life.py t_hostile.py t_netlink.py t_files.py t_dump.py t_traces.py t_batch.py
# Those of our own kernels that tests/vm/build has built.
DEBUG_KERNELS ?= $(shell tests/vm/build --list)
# And what takes long is done by those that are not emulated, should any be.
LONG_KERNELS ?= $(or $(filter uml%,$(DEBUG_KERNELS)),$(VM_KERNELS))
TRACES := 'make -s -C tests/traces check' 'make -s -C tests/traces && tests/traces/own-truth && tests/traces/score.py'
# What the module or the tool does alike on any kernel is tested on one, and that for no
# longer than the rest takes on the other; dice fall the same way each time, and half as
# many connections are dumped. `make test-vm` tests everything on each, as chance has it.
ON_FIRST := t_dump.py t_hostile.py t_monitor.py t_readme.py t_tool_listeners.py t_topology.py \
	t_trace.py t_traces.py t_ynl.py
ON_OTHERS := t_account.py t_check.py t_completion.py t_expiry.py t_export.py t_fleet.py t_flood.py \
	t_fuzz.py t_graph.py t_manual.py t_race.py t_tool.py t_tool_filter.py t_top.py
vm-suite = 'tests/vm/run --timeout 2200 --kernel $(1) -- env LAB_SEED=$${LAB_SEED:-9293} \
	TCPSTATE_SEED=$${TCPSTATE_SEED:-9293} TCPSTATE_MANY=$${TCPSTATE_MANY:-100000} \
	tests/vm/all --but "$(2)"'
# Processors that the module is built for beside this one's; make test-arch has more.
FIRST_PROCESSORS := arm64 armhf i386 s390x
PREFIX ?= /usr/local
installing = PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' KDIR='$(KDIR)'

all: module tool

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

## make             the module, for the running kernel (or KDIR=/path/to/headers), and the tool
module:
	@test -d '$(KDIR)' || { echo 'no kernel headers: run tests/deps build as root, or set KDIR=' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

tool:
	$(MAKE) -C tools

# The tool as the test VM has it in its PATH, and once more under sanitizers.
vm-tool:
	@tests/deps build vm
	@$(MAKE) -s -C tools all asan
	@$(MAKE) -s -C tests/traces all asan

# What the VM tests run besides, of others: not installed but fetched, once, as the VM has
# no network. Those that want what could not be fetched skip.
vm-needs: vm-tool
	-@tests/vm/ynl >/dev/null
	-@tests/prometheus/get >/dev/null

## make demo        the main job on real traffic, in the test VM
demo: vm-tool
	@tests/vm/run -- tests/vm/demo

## make test        every test, those of what depends on the kernel on each; ends with `N passed, N failed`
# What takes longest begins first, so that both end together.
test:
	@tests/deps
	@$(MAKE) -s vm-needs
	@tests/run --jobs 2 \
		$(call vm-suite,$(firstword $(VM_KERNELS)),$(if $(word 2,$(VM_KERNELS)),$(ON_OTHERS))) \
		$(foreach kernel,$(wordlist 2,9,$(VM_KERNELS)),$(call vm-suite,$(kernel),$(ON_FIRST))) \
		'tests/vm/run --kernel $(RT_KERNEL) -- tests/vm/all t_batch.py' \
		tests/style 'make -s -C tests/model check' 'make -s -C tests/unit check' $(TRACES) \
		'make -s -C tests/fuzz check' tests/vm/selftest \
		'tests/arch $(FIRST_PROCESSORS)' tests/package/maintainer tests/options \
		tests/spec tests/manual tests/archive tests/uml tests/prometheus/check

## make test-unit   the pure parts, in userspace under sanitizers
test-unit:
	@tests/deps build
	@tests/run 'make -s -C tests/unit check'

## make model       every state that two endpoints and the inference get into: ten minutes
model:
	@tests/deps build
	@tests/run 'make -s -C tests/model check' 'make -s -C tests/model deep'

## make fuzz        what must bear any input, each part for FUZZ_SECONDS=60, by libFuzzer
fuzz:
	@tests/deps fuzz
	@tests/run 'make -s -C tests/fuzz fuzz'

## make fuzz-coverage   what of the module and of the tool it has reached
fuzz-coverage:
	@tests/deps fuzz
	@$(MAKE) -s -C tests/fuzz coverage

## make test-traces what is inferred from real captures, against verdicts that others gave
test-traces:
	@tests/deps build vm
	@tests/run $(TRACES)

## make test-prometheus   rules, alerts and dashboard, by promtool
test-prometheus:
	@tests/run tests/prometheus/check

## make test-deb    packages, installed in a clean Debian root: for minutes, as root
test-deb:
	@tests/deps build vm package
	@tests/run tests/package/check

## make test-vm     the VM tests; T='t_one t_two' for some, VM_KERNELS=6.12 elsewhere
test-vm: vm-needs
	@tests/run $(VM_KERNELS:%='tests/vm/run --timeout 1200 --kernel % -- tests/vm/all $(T)')

## make test-kernels   the core scripts on CORE_KERNELS, for the table in README.md: hours
test-kernels: vm-needs
	@tests/run $(CORE_KERNELS:%='tests/matrix % $(or $(T),$(CORE))')

## make test-configs   builds for kernels without /proc, sysctl or IPv6, of 32 bits, of other HZ
test-configs:
	@tests/deps build
	@tests/run tests/configs

## make test-arch   builds for eight processors by cross compilers; T='arm64 s390x' for some
test-arch:
	@tests/deps build arch
	@tests/run 'tests/arch $(T)'

## make test-debug  the VM tests on the kernels that were built for them: see tests/vm/build
test-debug: vm-needs
	@test '$(DEBUG_KERNELS)' || { echo 'no kernel is built, see: tests/vm/build' >&2; exit 1; }
	@tests/run $(foreach kernel,$(DEBUG_KERNELS),'tests/vm/run --timeout 28800 --mem 2048 \
		--kernel $(kernel) -- env TESTS_LIMIT=6000 LAB_PATIENCE=$(if $(filter kmsan,$(kernel)),600,120) \
		TCPSTATE_FUZZ=60 TCPSTATE_CHURN=50 TCPSTATE_RACE=60 tests/vm/all $(T)')

## make fuzz-kernel whatever anyone may ask, read, set and send there, for FUZZ_SECONDS=600
fuzz-kernel: vm-tool
	@tests/run $(LONG_KERNELS:%='tests/vm/run --timeout 14400 --mem 2048 --kernel % -- env \
		TESTS_LIMIT=14000 TCPSTATE_FUZZ=$${FUZZ_SECONDS:-600} tests/vm/all t_fuzz.py')

## make test-churn  1000 namespaces and 200 loads under traffic, TCPSTATE_CHURN=1000
test-churn: vm-tool
	@tests/run $(LONG_KERNELS:%='tests/vm/run --timeout 14400 --mem 2048 --kernel % -- env \
		TESTS_LIMIT=14000 TCPSTATE_CHURN=$${TCPSTATE_CHURN:-1000} tests/vm/all t_churn.py')

## make test-race   operations that race each other, for RACE_SECONDS=3600 on each kernel
test-race: vm-tool
	@tests/run $(foreach kernel,$(or $(RACE_KERNELS),$(DEBUG_KERNELS),$(VM_KERNELS)),'tests/vm/run \
		--timeout 14400 --mem 2048 --kernel $(kernel) -- env TESTS_LIMIT=14000 LAB_PATIENCE=120 \
		TCPSTATE_OPERATIONS=$${RACE_SECONDS:-3600} tests/vm/all t_race.py')

## make soak        a hundred million segments of every kind, SOAK_MILLIONS=100
soak: vm-tool
	@tests/run $(LONG_KERNELS:%='tests/vm/run --timeout 14400 --mem 2048 --kernel % -- \
		tests/vm/soak $${SOAK_MILLIONS:-100}')

## make test-flood  floods beside real clients, on a machine that does nothing else
test-flood: vm-tool
	@tests/run $(VM_KERNELS:%='tests/vm/run --timeout 1800 --kernel % -- env TCPSTATE_FLOODS=1 \
		tests/vm/all t_flood.py t_readme.py')

## make test-collisions   half-opens that are to meet in one bucket, with the hash's key and without
test-collisions: vm-tool
	@tests/run 'tests/vm/run --timeout 1800 -- tests/vm/all collisions.py'

## make test-poison   what answers are made of, where memory begins as rubbish that is known by sight
test-poison: vm-tool
	@tests/run $(VM_KERNELS:%='tests/vm/run --timeout 1800 --kernel % \
		--append "init_on_alloc=0 slub_debug=FZP page_poison=1" -- tests/vm/all \
		t_netlink.py t_monitor.py t_dump.py t_permission.py t_hostile.py t_life.py t_fuzz.py')

## make test-differential   random applications, TCPSTATE_CONNECTIONS=5000 of them, against ss
test-differential: vm-tool
	@tests/run $(VM_KERNELS:%='tests/vm/run --timeout 14400 --kernel % -- env TESTS_LIMIT=14000 \
		TCPSTATE_CONNECTIONS=$${TCPSTATE_CONNECTIONS:-5000} \
		$${TCPSTATE_SEED:+TCPSTATE_SEED=$$TCPSTATE_SEED} tests/vm/all t_differential.py')

## make vm          a shell in the test VM; KERNEL=6.12 for another
vm: vm-tool
	@tests/vm/run $(if $(KERNEL),--kernel $(KERNEL)) --timeout 86400 --tty -- bash

## make style       checkpatch, sparse, W=1 and the like
style:
	@tests/deps build style
	@tests/run tests/style

## make static      clang, the kernel's semantic patches, clang-tidy, gcc's analyzer
static:
	@tests/deps build style static
	@tests/run tests/static/check

## make bench       what a segment, a connection and an answer cost, to tests/bench/RESULTS.md
bench:
	@tests/deps build vm bench
	@tests/bench/run

## make install     into this system: PREFIX=/usr/local, or below DESTDIR=
install: all
	@$(installing) tools/install add

## make uninstall   what `make install` and `make dkms` did
uninstall:
	@$(installing) tools/install remove

## make dkms        the module by way of dkms, which builds it for every new kernel
dkms:
	@$(installing) tools/install dkms

## make deb         packages for Debian, of what git has: to DEBS=~/.cache/tcpstate/debs
deb:
	@tests/deps build package
	@tools/package $(DEBS)

## make clean
clean:
	@test ! -d '$(KDIR)' || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean
	@$(MAKE) -s -C tools clean
	@$(MAKE) -s -C tests/unit clean
	@$(MAKE) -s -C tests/model clean
	@$(MAKE) -s -C tests/fuzz clean
	@$(MAKE) -s -C tests/traces clean
	@$(MAKE) -s -C tests/bench clean

.PHONY: all help module tool vm-tool vm-needs demo test test-unit model test-traces test-vm vm \
	style bench test-debug test-kernels test-configs test-arch test-deb test-prometheus \
	test-differential test-collisions test-poison test-flood test-churn test-race soak static \
	fuzz fuzz-coverage fuzz-kernel install uninstall dkms deb clean
