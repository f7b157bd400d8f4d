package org.simplepush.examples.standalone;

import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The certificate that the server serves, if any. */
final class TlsOptions extends Options {
  @Option(
      names = "--tls-cert",
      paramLabel = "PEM",
      description = "Certificate chain: serve wss and https. Read again when it changes.")
  private @Nullable Path tlsCert;

  @Option(
      names = "--tls-key",
      paramLabel = "PEM",
      description = "Private key of the certificate, PKCS #8. Read again when it changes.")
  private @Nullable Path tlsKey;

  TlsOptions() {}

  /**
   * Loads the certificate, and again whenever its files change.
   *
   * @return null if the options name none
   */
  @Nullable ReloadingTls load() {
    if (tlsCert == null && tlsKey == null) {
      return null;
    }
    if (tlsCert == null || tlsKey == null) {
      throw wrong(
          "--tls-cert and --tls-key go together: give both, or neither; both may name one file that"
              + " holds the certificate and the key");
    }
    try {
      return ReloadingTls.load(tlsCert, tlsKey).watch();
    } catch (IOException e) {
      throw wrong(String.valueOf(e.getMessage()));
    }
  }
}
