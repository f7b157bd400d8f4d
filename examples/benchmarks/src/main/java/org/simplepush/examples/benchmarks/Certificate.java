package org.simplepush.examples.benchmarks;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.Base64;
import java.util.List;

/**
 * A self-signed certificate and its key, made for one run.
 *
 * @param pem holds both
 */
record Certificate(Path pem) {
  static final String PASSWORD = "only for this run";

  /** Makes one with the JDK's keytool. */
  static Certificate make(Path folder) throws LoadException, IOException, InterruptedException {
    Path store = folder.resolve("tls.p12");
    String keytool = Path.of(System.getProperty("java.home"), "bin", "keytool").toString();
    List<String> command =
        List.of(
            keytool,
            "-genkeypair",
            "-alias",
            "a",
            "-dname",
            "CN=localhost",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-storetype",
            "PKCS12",
            "-keystore",
            store.toString(),
            "-storepass",
            PASSWORD);
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    if (process.waitFor() != 0) {
      throw new LoadException("keytool made no certificate");
    }
    Path pem = folder.resolve("tls.pem");
    try {
      char[] password = PASSWORD.toCharArray();
      KeyStore keys = KeyStore.getInstance(store.toFile(), password);
      Files.createFile(
          pem, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      Files.writeString(
          pem,
          block("PRIVATE KEY", keys.getKey("a", password).getEncoded())
              + block("CERTIFICATE", keys.getCertificate("a").getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new LoadException("The certificate cannot be read: " + e.getMessage());
    }
    return new Certificate(pem);
  }

  private static String block(String type, byte[] content) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n";
  }
}
