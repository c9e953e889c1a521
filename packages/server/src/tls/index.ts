export { CertificateError, loadCertificate } from "./certificate.ts"
export type { Pem } from "./self-signed.ts"
