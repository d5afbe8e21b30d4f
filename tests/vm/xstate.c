// SPDX-License-Identifier: GPL-2.0
/*
 * UML's registers.c (-I its directory, as registers.c) on this machine, as if UML kept only
 * FP_OCTETS of a process's XSAVE area: exits 0 if a register that is set is set. The
 * host's processor then need not have AMX for an area that is too large.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define FP_SIZE (FP_OCTETS / sizeof(unsigned long))
#include "registers.c"

#define XMM5 ((160 + 5 * 16) / sizeof(unsigned long))
#define BEFORE 1UL
#define AFTER 42UL

/* Stops with BEFORE in XMM5, and exits with the value that it has afterwards. */
static void tracee(void)
{
	unsigned long value = BEFORE;

	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	asm volatile("movq %0, %%xmm5\n\tsyscall\n\tmovq %%xmm5, %0"
		     : "+r" (value)
		     : "a" ((long)SYS_kill), "D" ((long)getpid()), "S" ((long)SIGSTOP)
		     : "rcx", "r11", "xmm5", "memory");
	_exit(value);
}

int main(void)
{
	static unsigned long regs[FP_SIZE];
	int status, err;
	pid_t pid = fork();

	if (!pid)
		tracee();
	if (pid < 0 || waitpid(pid, &status, 0) < 0 || !WIFSTOPPED(status))
		return 2;
	arch_init_registers(pid);
	err = save_fp_registers(pid, regs);
	if (err || regs[XMM5] != BEFORE) {
		printf("get: %d, XMM5 is %lu\n", err, regs[XMM5]);
		return 1;
	}
	regs[XMM5] = AFTER;
	err = restore_fp_registers(pid, regs);
	ptrace(PTRACE_CONT, pid, NULL, NULL);
	waitpid(pid, &status, 0);
	if (err || !WIFEXITED(status) || WEXITSTATUS(status) != AFTER) {
		printf("set: %d, status is %#x\n", err, status);
		return 1;
	}
	return 0;
}
