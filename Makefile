# SPDX-License-Identifier: GPL-2.0
#
# The front door: `make help` lists what is behind it.

# The running kernel's headers, else (a container, say) the newest Debian ones.
KDIR ?= $(firstword $(wildcard /lib/modules/$(shell uname -r)/build) \
	$(shell ls -d /usr/src/linux-headers-*-amd64 2>/dev/null | sort -rV))
VM_KERNELS ?= 6.1 6.12

all: module

help:
	@sed -n 's/^## //p' $(firstword $(MAKEFILE_LIST))

## make             the module, for the running kernel (or KDIR=/path/to/headers)
module:
	@test -d '$(KDIR)' || { echo 'no kernel headers: run tests/deps build as root, or set KDIR=' >&2; exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

## make demo        the main job on real traffic, in the test VM
demo:
	@tests/deps build vm
	@tests/vm/run -- tests/vm/demo

## make test        every test, on every kernel; ends with `N passed, N failed`
test:
	@tests/deps
	@tests/run tests/style 'make -s -C tests/unit check' tests/vm/selftest \
		$(VM_KERNELS:%='tests/vm/run --timeout 1200 --kernel % -- tests/vm/all')

## make test-unit   the pure parts, in userspace under sanitizers
test-unit:
	@tests/deps build
	@tests/run 'make -s -C tests/unit check'

## make test-vm     the VM tests; T='t_one t_two' for some, VM_KERNELS=6.12 elsewhere
test-vm:
	@tests/deps build vm
	@tests/run $(VM_KERNELS:%='tests/vm/run --timeout 1200 --kernel % -- tests/vm/all $(T)')

## make vm          a shell in the test VM; KERNEL=6.12 for another
vm:
	@tests/deps build vm
	@tests/vm/run $(if $(KERNEL),--kernel $(KERNEL)) --timeout 86400 --tty -- bash

## make style       checkpatch, sparse, W=1 and the like
style:
	@tests/deps build style
	@tests/run tests/style

## make bench       what a segment costs
bench:
	@tests/deps build vm
	@tests/bench/run

## make clean
clean:
	@test ! -d '$(KDIR)' || $(MAKE) -s -C $(KDIR) M=$(CURDIR) clean
	@$(MAKE) -s -C tests/unit clean

.PHONY: all help module demo test test-unit test-vm vm style bench clean
