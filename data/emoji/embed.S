/* The built-in emoji pairs as read-only bytes, each file from triptych_emoji_NAME to triptych_emoji_NAME_end. */
  .macro embed name, file
  .balign 64
  .globl triptych_emoji_\name
triptych_emoji_\name:
  .incbin "\file"
  .globl triptych_emoji_\name\()_end
triptych_emoji_\name\()_end:
  .byte 0
  .endm

  .section .rodata
  embed images, images.npz
  embed text, text.tsv
  embed concepts, concepts.tsv
  embed groups, groups.txt
  embed subgroups, subgroups.txt

  .section .note.GNU-stack, "", %progbits
