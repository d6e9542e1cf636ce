dnl DW_COMPILE_FLAGS(VAR, FLAGS): VAR = those of FLAGS that the compiler knows.
dnl A flag is tried with -Werror and, for gcc, in its positive form, because gcc
dnl accepts every unknown -Wno-x.
AC_DEFUN([DW_COMPILE_FLAGS], [
  $1=
  for dw_flag in $2; do
    AC_MSG_CHECKING([whether $CC knows $dw_flag])
    dw_saved=$CFLAGS
    CFLAGS="$CFLAGS -O2 -Werror $dw_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); $1="$$1 $dw_flag"], [AC_MSG_RESULT([no])])
    CFLAGS=$dw_saved
  done
  AC_SUBST([$1])
])
AC_DEFUN([DW_LINK_FLAGS], [
  $1=
  for dw_flag in $2; do
    AC_MSG_CHECKING([whether the linker knows $dw_flag])
    dw_saved=$LDFLAGS
    LDFLAGS="$LDFLAGS -fPIE $dw_flag"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
      [AC_MSG_RESULT([yes]); $1="$$1 $dw_flag"], [AC_MSG_RESULT([no])])
    LDFLAGS=$dw_saved
  done
])
