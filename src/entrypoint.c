/* Registration lives in Rust; this file makes R's linker pull in the static library. */
void R_init_mlmix_extendr(void *dll);
void register_extendr_panic_hook(void);

void R_init_mlmix(void *dll) {
    register_extendr_panic_hook();
    R_init_mlmix_extendr(dll);
}
