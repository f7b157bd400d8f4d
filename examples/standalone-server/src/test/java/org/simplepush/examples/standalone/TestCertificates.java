package org.simplepush.examples.standalone;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;

/** Makes certificates with the JDK's keytool, in a folder of the test. */
final class TestCertificates {
  private static final String PASSWORD = "secret";

  private final Path folder;
  private final Path store;

  TestCertificates(Path folder) {
    this.folder = folder;
    this.store = folder.resolve("certificates.p12");
  }

  /** A chain and its key in PEM. */
  record Pem(String chain, String key) {
    void write(Path certificateFile, Path keyFile) throws IOException {
      Files.writeString(certificateFile, chain);
      Files.writeString(keyFile, key);
    }
  }

  /** Makes a self-signed one. */
  Pem make(String name, String... keyOptions) throws Exception {
    List<String> options =
        new ArrayList<>(List.of("-genkeypair", "-alias", name, "-dname", "CN=" + name));
    options.addAll(List.of(keyOptions));
    keytool(options);
    return new Pem(pemOf(name), keyOf(name));
  }

  Pem makeEc(String name) throws Exception {
    return make(name, "-keyalg", "EC", "-groupname", "secp256r1");
  }

  /** Makes one that an intermediate authority signed; the chain holds that and the root. */
  Pem makeWithIntermediate(String name) throws Exception {
    Pem root = make("root", "-keyalg", "EC", "-groupname", "secp256r1", "-ext", "bc:c");
    makeEc("intermediate");
    String intermediate = sign("intermediate", "root", "-ext", "bc:c");
    Pem own = makeEc(name);
    return new Pem(sign(name, "intermediate") + intermediate + root.chain(), own.key());
  }

  private String sign(String name, String issuer, String... options) throws Exception {
    Path request = folder.resolve(name + ".csr");
    Path answer = folder.resolve(name + ".crt");
    keytool(List.of("-certreq", "-alias", name, "-file", request.toString()));
    List<String> sign =
        new ArrayList<>(
            List.of(
                "-gencert",
                "-rfc",
                "-alias",
                issuer,
                "-infile",
                request.toString(),
                "-outfile",
                answer.toString()));
    sign.addAll(List.of(options));
    keytool(sign);
    return Files.readString(answer);
  }

  private void keytool(List<String> options) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "keytool").toString());
    command.addAll(options);
    command.addAll(List.of("-keystore", store.toString(), "-storetype", "PKCS12"));
    command.addAll(List.of("-storepass", PASSWORD));
    Process keytool = new ProcessBuilder(command).redirectErrorStream(true).start();
    List<String> output = keytool.inputReader().lines().toList();
    assertThat(keytool.waitFor()).as("%s", output).isZero();
  }

  private String pemOf(String name) throws Exception {
    return pem("CERTIFICATE", keys().getCertificate(name).getEncoded());
  }

  private String keyOf(String name) throws Exception {
    return pem("PRIVATE KEY", keys().getKey(name, PASSWORD.toCharArray()).getEncoded());
  }

  private KeyStore keys() throws Exception {
    return KeyStore.getInstance(store.toFile(), PASSWORD.toCharArray());
  }

  private static String pem(String type, byte[] content) {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(content);
    return "-----BEGIN " + type + "-----\n" + text + "\n-----END " + type + "-----\n";
  }
}
