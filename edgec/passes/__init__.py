"""The passes: every decision that rewrites the graph, one file each."""

from edgec.passes.absorb_views import AbsorbViews
from edgec.passes.base import Changes, Pass
from edgec.passes.clone_producer import CloneProducer
from edgec.passes.collapse_views import CollapseViews, remaining_copies
from edgec.passes.find_activations import FindActivations
from edgec.passes.find_attention import FindAttention
from edgec.passes.find_group_norms import FindGroupNorms
from edgec.passes.find_linear import FindLinear
from edgec.passes.find_norms import FindNorms
from edgec.passes.find_softmax import FindSoftmax
from edgec.passes.fit_broadcasts import FitBroadcasts
from edgec.passes.fold_constants import FoldConstants
from edgec.passes.fold_pads import FoldPads
from edgec.passes.fold_permutations import FoldPermutations
from edgec.passes.fold_scales import FoldScales
from edgec.passes.fuse_activations import FuseActivations
from edgec.passes.fuse_affine import FuseAffine
from edgec.passes.layout import SolveLayout
from edgec.passes.lower_division import LowerDivision
from edgec.passes.lower_scales import LowerScales
from edgec.passes.merge_concats import MergeConcats
from edgec.passes.merge_equal import MergeEqual
from edgec.passes.merge_tables import MergeTables
from edgec.passes.remove_dead import RemoveDead
from edgec.passes.remove_dead_channels import RemoveDeadChannels
from edgec.passes.remove_identities import RemoveIdentities
from edgec.passes.rerun_sites import Site, rerun_sites
from edgec.passes.simplify_arithmetic import SimplifyArithmetic
from edgec.passes.split_attention import SplitAttention
from edgec.passes.split_outputs import SplitOutputs

__all__ = [
    "AbsorbViews",
    "Changes",
    "CloneProducer",
    "CollapseViews",
    "FindActivations",
    "FindAttention",
    "FindGroupNorms",
    "FindLinear",
    "FindNorms",
    "FindSoftmax",
    "FitBroadcasts",
    "FoldConstants",
    "FoldPads",
    "FoldPermutations",
    "FoldScales",
    "FuseActivations",
    "FuseAffine",
    "LowerDivision",
    "LowerScales",
    "MergeConcats",
    "MergeEqual",
    "MergeTables",
    "Pass",
    "RemoveDead",
    "RemoveDeadChannels",
    "RemoveIdentities",
    "SimplifyArithmetic",
    "Site",
    "SolveLayout",
    "SplitAttention",
    "SplitOutputs",
    "remaining_copies",
    "rerun_sites",
]
