export { CertificateError, loadCertificate } from "./certificate.ts"
