package org.simplepush.examples.standalone;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.Principal;
import java.security.PrivateKey;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.X509ExtendedKeyManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A certificate and its key from PEM files, read again when they change, so that a renewed
 * certificate needs no restart. Files that cannot be read leave the old certificate in use.
 */
final class ReloadingTls extends X509ExtendedKeyManager implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ReloadingTls.class);

  private static final long CHECK_SECONDS = 2;

  private static final Pattern PKCS8 =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

  /** A file may hold other things beside: the key, or text that says whose certificate it is. */
  private static final Pattern CERTIFICATE =
      Pattern.compile("-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----");

  private final Path certificateFile;
  private final Path keyFile;
  private final ScheduledExecutorService watcher;
  private final SSLContext context;

  /** The newest first. One older is kept for handshakes that chose it just before a change. */
  private volatile List<Identity> identities;

  /** A certificate chain and its key; the alias tells one generation from the next. */
  private record Identity(
      String alias, List<X509Certificate> chain, PrivateKey key, List<byte[]> files) {}

  private ReloadingTls(Path certificateFile, Path keyFile)
      throws IOException, GeneralSecurityException {
    this.certificateFile = certificateFile;
    this.keyFile = keyFile;
    this.identities = List.of(read(0));
    this.context = SSLContext.getInstance("TLS");
    context.init(new KeyManager[] {this}, null, null);
    this.watcher =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "simplepush-tls-reload");
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Reads the files and watches them from now on.
   *
   * @throws IOException with a sentence that says which file is wrong and how
   */
  @SuppressWarnings("FutureReturnValueIgnored") // reload() lets nothing through
  static ReloadingTls load(Path certificateFile, Path keyFile) throws IOException {
    try {
      ReloadingTls tls = new ReloadingTls(certificateFile, keyFile);
      warnIfOthersCanRead(keyFile);
      tls.watcher.scheduleWithFixedDelay(
          tls::reload, CHECK_SECONDS, CHECK_SECONDS, TimeUnit.SECONDS);
      return tls;
    } catch (GeneralSecurityException e) {
      throw new IOException("TLS is not available: " + e.getMessage(), e);
    }
  }

  private static void warnIfOthersCanRead(Path keyFile) throws IOException {
    if (keyFile.getFileSystem().supportedFileAttributeViews().contains("posix")
        && Files.getPosixFilePermissions(keyFile).contains(PosixFilePermission.OTHERS_READ)) {
      log.warn(
          "The private key in {} can be read by every user of this machine; set its mode to 600",
          keyFile);
    }
  }

  SSLContext context() {
    return context;
  }

  private Identity read(int generation) throws IOException {
    byte[] certificatePem = readFile("--tls-cert", certificateFile);
    byte[] keyPem = readFile("--tls-key", keyFile);
    List<X509Certificate> chain = certificates(certificatePem);
    return new Identity(
        "generation-" + generation,
        chain,
        key(keyPem, chain.get(0)),
        List.of(certificatePem, keyPem));
  }

  private static byte[] readFile(String option, Path file) throws IOException {
    try {
      return Files.readAllBytes(file);
    } catch (NoSuchFileException e) {
      throw new IOException(option + " names " + file + ", which does not exist", e);
    } catch (IOException e) {
      throw new IOException(option + " names " + file + ", which cannot be read: " + e, e);
    }
  }

  private List<X509Certificate> certificates(byte[] pem) throws IOException {
    List<X509Certificate> chain = new ArrayList<>();
    try {
      CertificateFactory factory = CertificateFactory.getInstance("X.509");
      Matcher matcher = CERTIFICATE.matcher(new String(pem, StandardCharsets.ISO_8859_1));
      while (matcher.find()) {
        byte[] block = matcher.group().getBytes(StandardCharsets.ISO_8859_1);
        chain.add((X509Certificate) factory.generateCertificate(new ByteArrayInputStream(block)));
      }
    } catch (GeneralSecurityException e) {
      throw new IOException(
          "--tls-cert names " + certificateFile + ", whose certificate is damaged", e);
    }
    if (chain.isEmpty()) {
      throw new IOException(
          "--tls-cert names "
              + certificateFile
              + ", which holds no certificate in PEM ('-----BEGIN CERTIFICATE-----')");
    }
    return List.copyOf(chain);
  }

  private PrivateKey key(byte[] pem, X509Certificate certificate) throws IOException {
    Matcher matcher = PKCS8.matcher(new String(pem, StandardCharsets.ISO_8859_1));
    if (!matcher.find()) {
      throw new IOException(
          "--tls-key names "
              + keyFile
              + ", which is not an unencrypted PKCS #8 key in PEM; convert it with"
              + " 'openssl pkcs8 -topk8 -nocrypt'");
    }
    try {
      byte[] encoded = Base64.getMimeDecoder().decode(matcher.group(1));
      return KeyFactory.getInstance(certificate.getPublicKey().getAlgorithm())
          .generatePrivate(new PKCS8EncodedKeySpec(encoded));
    } catch (GeneralSecurityException | IllegalArgumentException e) {
      throw new IOException(
          "--tls-key names " + keyFile + ", which is not the key of the certificate", e);
    }
  }

  private void reload() {
    try {
      Identity current = identities.get(0);
      List<byte[]> before = current.files();
      if (Arrays.equals(before.get(0), Files.readAllBytes(certificateFile))
          && Arrays.equals(before.get(1), Files.readAllBytes(keyFile))) {
        return;
      }
      int generation = Integer.parseInt(current.alias().substring("generation-".length())) + 1;
      identities = List.of(read(generation), current);
      log.info("Serving the new certificate in {}", certificateFile);
    } catch (IOException | RuntimeException e) {
      // Half-written files look like this too; the next look finds them whole.
      log.warn("The certificate could not be read again, the old one stays: {}", e.getMessage());
    }
  }

  @Override
  public void close() {
    watcher.shutdownNow();
  }

  private @Nullable Identity byAlias(String alias) {
    for (Identity identity : identities) {
      if (identity.alias().equals(alias)) {
        return identity;
      }
    }
    return null;
  }

  private @Nullable String choose(String... keyTypes) {
    Identity newest = identities.get(0);
    String algorithm = newest.chain().get(0).getPublicKey().getAlgorithm();
    for (String keyType : keyTypes) {
      // A type may name how the certificate was signed too: EC_RSA.
      if (keyType.equals(algorithm)
          || keyType.startsWith(algorithm + "_")
          || (keyType.equals("RSASSA-PSS") && algorithm.equals("RSA"))
          || (keyType.startsWith("Ed") && algorithm.equals("EdDSA"))) {
        return newest.alias();
      }
    }
    return null;
  }

  @Override
  public @Nullable String chooseEngineServerAlias(
      String keyType, Principal[] issuers, SSLEngine engine) {
    return choose(keyType);
  }

  @Override
  public @Nullable String chooseServerAlias(String keyType, Principal[] issuers, Socket socket) {
    return choose(keyType);
  }

  @Override
  public String @Nullable [] getServerAliases(String keyType, Principal[] issuers) {
    String alias = choose(keyType);
    return alias == null ? null : new String[] {alias};
  }

  @Override
  public X509Certificate @Nullable [] getCertificateChain(String alias) {
    Identity identity = byAlias(alias);
    return identity == null ? null : identity.chain().toArray(X509Certificate[]::new);
  }

  @Override
  public @Nullable PrivateKey getPrivateKey(String alias) {
    Identity identity = byAlias(alias);
    return identity == null ? null : identity.key();
  }

  @Override
  public String @Nullable [] getClientAliases(String keyType, Principal[] issuers) {
    return null; // a server only
  }

  @Override
  public @Nullable String chooseClientAlias(String[] keyType, Principal[] issuers, Socket socket) {
    return null; // a server only
  }
}
