# The probe guest: one boot sector for a PC's BIOS, loaded and started at 0x7c00.
#
# It asks of a processor what every operating system asks of it: page tables, 64-bit mode, interrupts, and a
# hundred million instructions in well under a second. Only the interrupt handler knows the key by which the
# message is deciphered, so what comes out of the serial port proves all of it.
#
#   as probe_guest.s -o probe_guest.o && ld -Ttext=0x7c00 --oformat binary probe_guest.o -o probe_guest.bin

        .intel_syntax noprefix
        .globl  _start
        .set    STACK, 0x7c00           # below the code
        .set    PML4, 0x1000            # page tables: one page of 2 MiB, mapped to itself
        .set    PDPT, 0x2000
        .set    PD,   0x3000
        .set    IDT,  0x4000            # interrupt table; the gate of interrupt 0x20 is at IDT + 0x200
        .set    KEY,  0x55
        .set    ROUNDS, 100000000
        .set    MESSAGE, 0x7d20        # written behind the code, enciphered, ended by a zero

        .code16
_start: cli
        xor     ax, ax
        mov     ds, ax
        mov     es, ax
        cld
        mov     di, PML4                # clear all four tables
        mov     cx, 0x2000
        rep stosw
        mov     dword ptr [PML4], PDPT + 3
        mov     dword ptr [PDPT], PD + 3
        mov     dword ptr [PD], 0x83
        mov     eax, PML4
        mov     cr3, eax
        mov     eax, cr4
        or      eax, 0x20               # physical address extension
        mov     cr4, eax
        mov     ecx, 0xc0000080         # extended features: long mode
        rdmsr
        or      eax, 0x100
        wrmsr
        mov     eax, cr0
        or      eax, 0x80000001         # protection and paging: long mode is on
        mov     cr0, eax
        lgdt    [gdtr]
        .byte   0xea                    # far jump into the 64-bit code segment
        .word   long, 0x08

        .code64
long:   mov     eax, 0x10
        mov     ds, eax
        mov     es, eax
        mov     ss, eax
        mov     esp, STACK
        mov     dword ptr [IDT + 0x200], offset handler + 0x080000
        mov     dword ptr [IDT + 0x204], 0x8e00
        lidt    [idtr]
        mov     ecx, ROUNDS
1:      dec     ecx
        jnz     1b
        xor     ebx, ebx
        int     0x20
        mov     esi, MESSAGE
next:   lodsb
        test    al, al
        jz      sent
        xor     al, bl
        mov     ah, al
        mov     dx, 0x3fd
2:      in      al, dx                  # until the first serial port takes a byte
        test    al, 0x20
        jz      2b
        mov     al, ah
        mov     dx, 0x3f8
        out     dx, al
        jmp     next
sent:   mov     dx, 0x3fd
3:      in      al, dx                  # until the last byte has left
        test    al, 0x40
        jz      3b
        mov     al, 0xfe                # reset by the keyboard controller
        out     0x64, al
        mov     dx, 0xcf9               # or by the chipset
        mov     al, 6
        out     dx, al
halt:   hlt
        jmp     halt

handler:
        mov     bl, KEY
        iretq

        .balign 8
gdt:    .quad   0
        .quad   0x00209a0000000000      # 64-bit code
        .quad   0x0000920000000000      # data
gdtr:   .word   23
        .long   gdt
idtr:   .word   0xfff
        .quad   IDT
