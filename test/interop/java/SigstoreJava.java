import com.google.gson.Gson;
import dev.sigstore.AlgorithmRegistry;
import dev.sigstore.KeylessSigner;
import dev.sigstore.KeylessVerifier;
import dev.sigstore.SigningConfigProvider;
import dev.sigstore.TrustedRootProvider;
import dev.sigstore.VerificationOptions;
import dev.sigstore.VerificationOptions.CertificateMatcher;
import dev.sigstore.bundle.Bundle;
import dev.sigstore.oidc.client.OidcClients;
import dev.sigstore.oidc.client.TokenStringOidcClient;
import dev.sigstore.strings.StringMatcher;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;

/**
 * Sigstore-java signs and verifies, by the files that {@code stele trust} writes. A Java machine takes seconds to start,
 * so one of them takes many commands: each line of standard input is a JSON array of arguments, and is answered by one
 * line, {@code {"code": 0 or 1, "output": "..."}}.
 *
 * <pre>
 * sign   --trusted-root FILE --signing-config FILE --identity-token TOKEN --bundle FILE (--artifact | --statement) FILE
 * verify --trusted-root FILE --certificate-identity NAME --certificate-oidc-issuer URL --bundle FILE --artifact FILE
 * </pre>
 */
public final class SigstoreJava {
  public static void main(String[] none) throws Exception {
    var gson = new Gson();
    var commands = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line; (line = commands.readLine()) != null; ) {
      System.out.println(gson.toJson(answer(gson.fromJson(line, String[].class))));
    }
  }

  private static Map<String, Object> answer(String[] arguments) {
    try {
      return Map.of("code", 0, "output", run(arguments));
    } catch (Exception refusal) {
      var said = new StringBuilder();
      for (Throwable cause = refusal; cause != null; cause = cause.getCause()) said.append(cause).append('\n');
      return Map.of("code", 1, "output", said.toString());
    }
  }

  private static String run(String[] arguments) throws Exception {
    var flags = new HashMap<String, String>();
    for (int i = 1; i < arguments.length; i += 2) flags.put(arguments[i], arguments[i + 1]);
    switch (arguments[0]) {
      case "sign":
        return sign(flags);
      case "verify":
        return verify(flags);
      default:
        throw new IllegalArgumentException("no command " + arguments[0]);
    }
  }

  private static String sign(Map<String, String> flags) throws Exception {
    var token = TokenStringOidcClient.from(flags.get("--identity-token"));
    var signer =
        KeylessSigner.builder()
            .trustedRootProvider(TrustedRootProvider.from(Path.of(flags.get("--trusted-root"))))
            .signingConfigProvider(SigningConfigProvider.from(Path.of(flags.get("--signing-config"))))
            .signingAlgorithm(AlgorithmRegistry.SigningAlgorithm.PKIX_ECDSA_P256_SHA_256)
            .enableRekorV2(true)
            .forceCredentialProviders(OidcClients.of(token))
            .build();
    var statement = flags.get("--statement");
    var bundle =
        statement == null
            ? signer.signFile(Path.of(flags.get("--artifact")))
            : signer.attest(Files.readString(Path.of(statement)));
    Files.writeString(Path.of(flags.get("--bundle")), bundle.toJson());
    return "Signed";
  }

  private static String verify(Map<String, String> flags) throws Exception {
    var identity =
        CertificateMatcher.fulcio()
            .subjectAlternativeName(StringMatcher.string(flags.get("--certificate-identity")))
            .issuer(StringMatcher.string(flags.get("--certificate-oidc-issuer")))
            .build();
    var bundle = Bundle.from(Path.of(flags.get("--bundle")), StandardCharsets.UTF_8);
    KeylessVerifier.builder()
        .trustedRootProvider(TrustedRootProvider.from(Path.of(flags.get("--trusted-root"))))
        .build()
        .verify(
            Path.of(flags.get("--artifact")),
            bundle,
            VerificationOptions.builder().addCertificateMatchers(identity).build());
    return "Verified";
  }
}
